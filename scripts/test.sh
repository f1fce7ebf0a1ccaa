#!/usr/bin/env bash
# Builds and passes all tests: release build, sanitizers, the minimal build, the install test.
# DOPPIO_ZOO may name more folders of zoo cases (see tests/zoo/README.md); DOPPIO_ZOO_ONLY limits them.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v apt-get >/dev/null && scripts/install_packages.sh --tests
jobs=$(nproc)
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

step() { printf '\n== %s\n' "$*"; }

step "house rules"
python3 scripts/check_layers.py

step "release build"
cmake -S . -B build/test -G Ninja -DCMAKE_BUILD_TYPE=Release -DDOPPIO_TESTS=ON -DDOPPIO_DEVELOPER=ON \
  "${launcher[@]}" >/dev/null
cmake --build build/test -j "$jobs" | tail -n 1

step "tests"
ctest --test-dir build/test --output-on-failure -j "$jobs"

step "build with address and undefined-behaviour sanitizers"
# Light optimisation and line numbers only: half the time to build, and the tests are short.
cmake -S . -B build/asan -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DDOPPIO_TESTS=ON \
  -DDOPPIO_SIMD_TARGETS=best -DDOPPIO_DNNL=OFF -DDOPPIO_SANITIZE=address,undefined "${launcher[@]}" >/dev/null
cmake --build build/asan -j "$jobs" | tail -n 1
step "tests under them"
# Whole networks of other folders have run above; here the repository's own are enough.
env -u DOPPIO_ZOO ctest --test-dir build/asan --output-on-failure -j "$jobs"

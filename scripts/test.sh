#!/usr/bin/env bash
# Builds and passes all tests: the release build, the build without the converter, and the build with sanitizers.
# DOPPIO_ZOO may name more folders of zoo cases (see tests/zoo/README.md); DOPPIO_ZOO_ONLY limits them.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v apt-get >/dev/null && scripts/install_packages.sh --tests
jobs=$(nproc)
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

step() { printf '\n== %s\n' "$*"; }

# Builds a folder quietly; on failure shows what the compiler said.
build() {
  local log
  log=$(mktemp)
  if ! cmake --build "$1" -j "$jobs" >"$log" 2>&1; then
    grep -vE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 60
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

step "house rules"
python3 scripts/check_layers.py

step "release build"
cmake -S . -B build/test -G Ninja -DCMAKE_BUILD_TYPE=Release -DDOPPIO_TESTS=ON -DDOPPIO_DEVELOPER=ON \
  "${launcher[@]}" >/dev/null
build build/test

step "tests"
ctest --test-dir build/test --output-on-failure -j "$jobs"

step "build without the converter: what a board gets"
cmake -S . -B build/minimal -G Ninja -DCMAKE_BUILD_TYPE=MinSizeRel -DDOPPIO_CONVERTER=OFF -DDOPPIO_DNNL=OFF \
  "${launcher[@]}" >/dev/null
build build/minimal
scripts/check_link.sh build/minimal/bin/doppio
tests/install/install_test.sh build/minimal .

step "build with address and undefined-behaviour sanitizers"
cmake -S . -B build/asan -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDOPPIO_TESTS=ON -DDOPPIO_SIMD_TARGETS=best \
  -DDOPPIO_DNNL=OFF -DDOPPIO_SANITIZE=address,undefined "${launcher[@]}" >/dev/null
build build/asan
step "tests under them"
# Whole networks of other folders have run above; here the repository's own are enough.
env -u DOPPIO_ZOO ctest --test-dir build/asan --output-on-failure -j "$jobs"

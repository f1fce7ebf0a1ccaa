#!/usr/bin/env bash
# Installs doppio, builds examples/cpp against the package outside the tree, runs it on the digits pair, and checks that
# neither it nor the runtime library knows ONNX or protobuf.
# usage: install_test.sh BUILD_FOLDER SOURCE_FOLDER
set -euo pipefail
build=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >/dev/null
cp -r "$source/examples/cpp" "$work/app"
cmake -S "$work/app" -B "$work/app/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$work/app/build" >/dev/null
answer=$("$work/app/build/classify" "$source/examples/digits/deploy")
echo "$answer"
[[ $answer == class\ * ]] || { echo "the example did not classify"; exit 1; }

"$source/scripts/check_link.sh" "$work/app/build/classify" "$work"/prefix/lib*/libdoppio_runtime.a

# The same program without any shared library, where the C++ library is there as an archive and the package needs none
# that is not (oneDNN).
if ! grep -q dnnl "$work"/prefix/lib*/cmake/doppio/doppioTargets.cmake; then
  cmake -S "$work/app" -B "$work/app/static" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_EXE_LINKER_FLAGS="-static -Wl,--gc-sections" >/dev/null
  cmake --build "$work/app/static" >/dev/null
  [ "$("$work/app/static/classify" "$source/examples/digits/deploy")" = "$answer" ] ||
    { echo "the static program answers otherwise"; exit 1; }
  "$source/scripts/check_link.sh" "$work/app/static/classify"
  strip -o "$work/stripped" "$work/app/static/classify"
  echo "static and stripped: $(stat -c %s "$work/stripped") bytes"
fi

# The converter, for programs that ask for it.
if ls "$work"/prefix/lib*/libdoppio_converter.a >/dev/null 2>&1; then
  cmake -S "$source/tests/install/converter" -B "$work/converter" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
  cmake --build "$work/converter" >/dev/null
  [ "$("$work/converter/convert" "$source/examples/digits/output.onnx" "$work/pair")" = "1 inputs, 1 outputs" ]
  cmp "$work/pair/init_net.pb" "$source/examples/digits/deploy/init_net.pb"
fi

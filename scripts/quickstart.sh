#!/usr/bin/env bash
# Installs what is missing, builds the doppio command, converts the digits network of examples/digits and runs it on
# pictures that it was not trained on.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v apt-get >/dev/null; then
  echo "This script installs packages with apt-get. On other systems install what README names, then:" >&2
  echo "  cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build -j" >&2
  command -v cmake >/dev/null || exit 2
else
  scripts/install_packages.sh
fi

launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
echo "+ cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build --target doppio"
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release "${launcher[@]}" >/dev/null
cmake --build build --target doppio | tail -n 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo
echo "+ doppio convert examples/digits/output.onnx -o deploy/"
build/bin/doppio convert examples/digits/output.onnx -o "$work/deploy"
echo
for picture in examples/digits/pictures/*.png; do
  echo "+ doppio run deploy/ --input $picture --scale 0.00392156862745098 --top 1 --softmax"
  build/bin/doppio run "$work/deploy" --input "$picture" --scale 0.00392156862745098 --top 1 --softmax \
    --labels examples/digits/labels.txt
done
echo
echo "Now your own model:"
echo "  build/bin/doppio convert model.onnx -o deploy/"
echo "  build/bin/doppio run deploy/ --input picture.jpg --preset torchvision --top 5 --softmax"

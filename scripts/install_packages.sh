#!/usr/bin/env bash
# Installs what doppio builds with, on Debian and Ubuntu; prints the line first. Does nothing when all is there.
set -euo pipefail

packages=(g++ cmake ninja-build ccache protobuf-compiler libprotobuf-dev libhwy-dev libdnnl-dev
  libcli11-dev nlohmann-json3-dev libfmt-dev libjpeg62-turbo-dev libpng-dev)
if [ "${1:-}" = "--tests" ]; then
  packages+=(catch2 libbenchmark-dev libonnx-testdata python3 binutils valgrind)
fi

# Ubuntu calls libjpeg-turbo's headers by another name.
if ! apt-cache show libjpeg62-turbo-dev >/dev/null 2>&1 && apt-cache show libjpeg-turbo8-dev >/dev/null 2>&1; then
  packages=("${packages[@]/libjpeg62-turbo-dev/libjpeg-turbo8-dev}")
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
echo "+ $sudo apt-get install -y --no-install-recommends ${missing[*]}"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

# For 64-bit ARM boards, with Debian's cross compiler (g++-aarch64-linux-gnu). Libraries of the target are taken from
# Debian's multiarch folders: dpkg --add-architecture arm64, then libfmt-dev:arm64 and so on (docs/portability.md).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -cpu max)

# Install rules and the package that find_package(doppio) reads.
include(CMakePackageConfigHelpers)

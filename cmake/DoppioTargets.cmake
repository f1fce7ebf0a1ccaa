# How targets are made. A folder is an object library `doppio_<folder>`; its `LINK` list is the list of
# arrows that it may follow (scripts/check.sh compares the includes with scripts/layers.txt).
include(GNUInstallDirs)

# Compile settings that every doppio target shares.
add_library(doppio_build INTERFACE)
target_include_directories(doppio_build INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_compile_options(doppio_build INTERFACE
  -Wall -Wextra -Wundef -Wno-missing-field-initializers -ffunction-sections -fdata-sections)
if(DOPPIO_DEVELOPER)
  # GCC 12 sees overlaps in std::string's operator+ that are not there (its bug 105651).
  target_compile_options(doppio_build INTERFACE -Werror $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endif()
if(DOPPIO_SANITIZE)
  target_compile_options(doppio_build INTERFACE
    -fsanitize=${DOPPIO_SANITIZE}
    -fno-sanitize=vptr  # the library has no type information
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(doppio_build INTERFACE -fsanitize=${DOPPIO_SANITIZE})
endif()

target_compile_definitions(doppio_build INTERFACE DOPPIO_THREADS=$<BOOL:${DOPPIO_THREADS}>)

# Floating point is not reassociated and not contracted behind our back: answers must not depend on
# the compiler's mood. Kernels ask for fused multiply-add by name.
target_compile_options(doppio_build INTERFACE -ffp-contract=off)

# The core neither throws nor asks for types at run time.
add_library(doppio_core_build INTERFACE)
target_link_libraries(doppio_core_build INTERFACE doppio_build)
target_compile_options(doppio_core_build INTERFACE
  -fno-exceptions -fno-rtti -fno-math-errno -fno-trapping-math -fvisibility=hidden)

# doppio_folder(<name> SOURCES ... [LINK ...] [CORE]): an object library of one folder.
function(doppio_folder name)
  cmake_parse_arguments(ARG "CORE" "" "SOURCES;LINK" ${ARGN})
  add_library(doppio_${name} OBJECT ${ARG_SOURCES})
  if(ARG_CORE)
    target_link_libraries(doppio_${name} PRIVATE doppio_core_build)
  else()
    target_link_libraries(doppio_${name} PRIVATE doppio_build)
  endif()
  if(ARG_LINK)
    target_link_libraries(doppio_${name} PRIVATE ${ARG_LINK})
  endif()
endfunction()

message(STATUS "doppio ${PROJECT_VERSION}: converter ${DOPPIO_CONVERTER}, command ${DOPPIO_CLI}, "
  "oneDNN engine ${DOPPIO_HAVE_DNNL}, threads ${DOPPIO_THREADS}, SIMD targets ${DOPPIO_SIMD_TARGETS}, "
  "tests ${DOPPIO_TESTS}, benchmarks ${DOPPIO_BENCH}, ${CMAKE_BUILD_TYPE}")

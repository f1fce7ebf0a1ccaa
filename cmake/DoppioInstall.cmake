# Install rules and the package that find_package(doppio) reads.
include(CMakePackageConfigHelpers)
set(doppio_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/doppio)

install(TARGETS doppio_runtime EXPORT doppioTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
set_target_properties(doppio_runtime PROPERTIES EXPORT_NAME runtime)
install(FILES include/doppio/status.h include/doppio/tensor.h include/doppio/predictor.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/doppio)
install(EXPORT doppioTargets NAMESPACE doppio:: DESTINATION ${doppio_package_dir})

# The converter brings Protocol Buffers along, so it is a component of its own.
if(DOPPIO_CONVERTER)
  install(TARGETS doppio_converter doppio_onnx_schema EXPORT doppioConverterTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set_target_properties(doppio_converter PROPERTIES EXPORT_NAME converter)
  set_target_properties(doppio_onnx_schema PROPERTIES EXPORT_NAME onnx_schema)
  install(FILES include/doppio/convert.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/doppio)
  install(EXPORT doppioConverterTargets NAMESPACE doppio:: DESTINATION ${doppio_package_dir})
endif()

configure_package_config_file(cmake/doppioConfig.cmake.in
  ${PROJECT_BINARY_DIR}/doppioConfig.cmake INSTALL_DESTINATION ${doppio_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/doppioConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/doppioConfig.cmake ${PROJECT_BINARY_DIR}/doppioConfigVersion.cmake
  DESTINATION ${doppio_package_dir})

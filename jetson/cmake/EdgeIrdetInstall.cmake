# cmake --install: headers, library, models, and what find_package and pkg-config read. All paths are relative to the
# prefix, which may be moved.
include(CMakePackageConfigHelpers)

set(_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/edge_irdet")
install(TARGETS edge_irdet EXPORT edge_irdet-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT edge_irdet-targets NAMESPACE edge_irdet:: DESTINATION ${_package_folder})
install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/include/" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/edge_irdet/models/" DESTINATION share/edge_irdet/models
  PATTERN "engines" EXCLUDE PATTERN "*.safetensors" EXCLUDE)

configure_package_config_file("${CMAKE_CURRENT_SOURCE_DIR}/cmake/edge_irdet-config.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/edge_irdet-config.cmake" INSTALL_DESTINATION ${_package_folder})
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/edge_irdet-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/edge_irdet-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/edge_irdet-config-version.cmake" DESTINATION ${_package_folder})

# The way from the folder of the .pc file back to the prefix.
file(RELATIVE_PATH EIRD_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file("${CMAKE_CURRENT_SOURCE_DIR}/cmake/edge_irdet.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/edge_irdet.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/edge_irdet.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# What an installation holds, and find_package(gradquake [COMPONENTS hooks]): gradquake::hooks, which needs LibTorch only,
# and gradquake::gradquake. Headers install as gradquake/<room>/<file>.h, as they are included here.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/gradquake)

add_library(gradquake::hooks ALIAS gradquake_hooks)
target_include_directories(gradquake_hooks INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(gradquake_hooks INTERFACE cxx_std_20)
set_target_properties(gradquake_hooks PROPERTIES EXPORT_NAME hooks)
set_target_properties(torch_libraries PROPERTIES EXPORT_NAME torch)

install(TARGETS gradquake_hooks torch_libraries EXPORT gradquakeHooksTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS gradquake EXPORT gradquakeTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET gradquake_program)
  install(TARGETS gradquake_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(DIRECTORY gradquake DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN *.h PATTERN *-inl.h EXCLUDE)  # the kernels' insides need Highway

install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/gradquake)

install(EXPORT gradquakeHooksTargets NAMESPACE gradquake:: DESTINATION ${package_folder})
install(EXPORT gradquakeTargets NAMESPACE gradquake:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/gradquakeConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/gradquakeConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/gradquakeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/gradquakeConfig.cmake ${PROJECT_BINARY_DIR}/package/gradquakeConfigVersion.cmake
  DESTINATION ${package_folder})

# For builds without CMake: pkg-config --cflags --libs gradquake, or gradquake-hooks. The prefix is known at installation.
cmake_path(GET torch_folder PARENT_PATH torch_prefix)
foreach(name gradquake gradquake-hooks)
  install(CODE "
    set(torch_prefix \"${torch_prefix}\")
    set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
    set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
    set(PROJECT_VERSION \"${PROJECT_VERSION}\")
    configure_file(\"${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in\"
      \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/${name}.pc\" @ONLY)")
endforeach()

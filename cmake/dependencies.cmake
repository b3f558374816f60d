# Every library from outside, each for its own field. LibTorch comes from CMAKE_PREFIX_PATH or Torch_DIR; where neither
# leads to one, from the wheel that scripts/bootstrap puts into .venv; then from the system.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo or MinSizeRel" FORCE)
endif()

# Decided once: another launcher compiles everything again. With precompiled headers ccache wants
# CCACHE_SLOPPINESS=pch_defines,time_macros.
if(NOT DEFINED GRADQUAKE_LAUNCHER)
  find_program(CCACHE ccache)
  if(NOT CCACHE)
    set(CCACHE "")
  endif()
  set(GRADQUAKE_LAUNCHER "${CCACHE}" CACHE STRING "What compilers are started by: ccache where it was there at first")
endif()
if(GRADQUAKE_LAUNCHER AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GRADQUAKE_LAUNCHER})
endif()

find_package(Threads REQUIRED)

file(GLOB wheel_torch ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
find_package(Torch 2.6 QUIET NO_CMAKE_SYSTEM_PATH NO_SYSTEM_ENVIRONMENT_PATH PATHS ${wheel_torch})
if(NOT Torch_FOUND)
  find_package(Torch 2.6 QUIET)
endif()
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch 2.6 or newer not found: run scripts/bootstrap, which puts the CPU wheel into .venv, or set CMAKE_PREFIX_PATH to a LibTorch.")
endif()

find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_path(BOOST_INCLUDE boost/math/distributions/students_t.hpp REQUIRED)
add_library(boost_math INTERFACE)  # headers only, and FindBoost looks for libraries
target_include_directories(boost_math SYSTEM INTERFACE "$<BUILD_INTERFACE:${BOOST_INCLUDE}>")
find_path(HIGHWAY_INCLUDE hwy/highway.h REQUIRED)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
if(GRADQUAKE_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()

# Inside another project (add_subdirectory, FetchContent) the libraries we link must be known where ours are linked.
if(NOT PROJECT_IS_TOP_LEVEL)
  get_directory_property(found_here IMPORTED_TARGETS)
  foreach(target ${found_here})
    set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endforeach()
endif()

# gradquake_component(NAME SOURCES a.cpp ... DEPENDS core ... LIBRARIES fmt::fmt-header-only ...)
# One folder, one object library gradquake_NAME, all gathered into libgradquake. DEPENDS are other components,
# LIBRARIES anything else. A component without torch_libraries in LIBRARIES compiles without LibTorch on its path.
add_library(gradquake_settings INTERFACE)
target_include_directories(gradquake_settings INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
target_compile_options(gradquake_settings INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
# g++ 12 sees an overlap in "literal" + std::string that is not there (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(gradquake_settings INTERFACE -Wno-restrict)
endif()

# LibTorch as system headers. An installation finds its own (gradquakeConfig.cmake.in), hence BUILD_INTERFACE.
add_library(torch_libraries INTERFACE)
target_link_libraries(torch_libraries INTERFACE "$<BUILD_INTERFACE:${TORCH_LIBRARIES}>")
target_include_directories(torch_libraries SYSTEM INTERFACE "$<BUILD_INTERFACE:${TORCH_INCLUDE_DIRS}>")

function(gradquake_component name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(gradquake_${name} OBJECT ${arg_SOURCES})
  target_link_libraries(gradquake_${name} PRIVATE gradquake_settings PUBLIC ${arg_LIBRARIES})
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(gradquake_${name} PUBLIC ${dependency})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY gradquake_components gradquake_${name})
endfunction()

# gradquake_test(NAME SOURCES a_test.cpp ... LIBRARIES gradquake | gradquake_core ... LABEL unit)
# Every test case becomes one CTest test. Components without torch are tested from their objects, in a second.
function(gradquake_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE gradquake_settings ${arg_LIBRARIES} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE GRADQUAKE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GRADQUAKE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${name} TEST_PREFIX "${arg_LABEL}." DISCOVERY_TIMEOUT 120 PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

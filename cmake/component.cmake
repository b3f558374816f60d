add_library(gradquake_settings INTERFACE)
target_include_directories(gradquake_settings INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_options(gradquake_settings INTERFACE -Wall -Wextra -Wshadow -Wconversion)
# Errors with the compiler that the project is tested with: another one's warnings stop nobody's build, nor do any in a
# project that contains this one.
if(PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
  target_compile_options(gradquake_settings INTERFACE -Werror)
endif()
# g++ 12 sees an overlap in "literal" + std::string that is not there (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(gradquake_settings INTERFACE -Wno-restrict)
endif()

# LibTorch as system headers. An installation finds its own (gradquakeConfig.cmake.in), hence BUILD_INTERFACE.
add_library(torch_libraries INTERFACE)
target_link_libraries(torch_libraries INTERFACE "$<BUILD_INTERFACE:${TORCH_LIBRARIES}>")
target_include_directories(torch_libraries SYSTEM INTERFACE "$<BUILD_INTERFACE:${TORCH_INCLUDE_DIRS}>")

# What the vector kernels are compiled with. Sanitizers watch their heap accesses only: before they are inlined, Highway's
# vectors all lie on the stack, and a build that watches those takes minutes.
set(kernel_options -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-sanitize=undefined
  $<$<CXX_COMPILER_ID:GNU>:--param=asan-stack=0>)

# Sources of this folder with compiler options of their own; they stay apart in a unity build.
function(gradquake_apart)
  cmake_parse_arguments(arg "" "" "OPTIONS" ${ARGN})
  set_source_files_properties(${arg_UNPARSED_ARGUMENTS} PROPERTIES
    COMPILE_OPTIONS "${arg_OPTIONS}" SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# Precompiled LibTorch headers, shared by every target that includes them.
option(GRADQUAKE_PRECOMPILED "Precompile LibTorch's headers" ON)
function(gradquake_precompiled target)
  if(NOT GRADQUAKE_PRECOMPILED)
    return()
  endif()
  if(NOT TARGET gradquake_torch_headers)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/torch_headers.cpp CONTENT "")  # a target wants a source
    add_library(gradquake_torch_headers OBJECT ${PROJECT_BINARY_DIR}/torch_headers.cpp)
    set_target_properties(gradquake_torch_headers PROPERTIES UNITY_BUILD OFF)
    target_link_libraries(gradquake_torch_headers PRIVATE gradquake_settings torch_libraries)
    target_precompile_headers(gradquake_torch_headers PRIVATE ${PROJECT_SOURCE_DIR}/cmake/torch_headers.h)
  endif()
  target_precompile_headers(${target} REUSE_FROM gradquake_torch_headers)
endfunction()

# gradquake_component(NAME [STEERS] [SOURCES more.cpp ...] [EXCLUDE main.cpp ...] DEPENDS core ... LIBRARIES fmt::fmt-header-only ...)
# One room: every source of its folder, and of the folders in it, in one object library gradquake_NAME, all gathered into
# libgradquake. DEPENDS are other rooms, LIBRARIES anything else. A room without torch_libraries in LIBRARIES compiles
# without LibTorch on its path. STEERS: the room calls what computes and computes nothing itself; optimising it lightly
# changes no speed and no bit, and halves the time its templates take to compile.
function(gradquake_component name)
  cmake_parse_arguments(arg STEERS "" "SOURCES;EXCLUDE;DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB sources RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS *.cpp */*.cpp)
  list(REMOVE_ITEM sources ${arg_EXCLUDE} "")
  add_library(gradquake_${name} OBJECT ${sources} ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND gradquake_)
  target_link_libraries(gradquake_${name} PRIVATE gradquake_settings PUBLIC ${arg_LIBRARIES} ${arg_DEPENDS})
  if(arg_STEERS)
    target_compile_options(gradquake_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  if(torch_libraries IN_LIST arg_LIBRARIES)
    gradquake_precompiled(gradquake_${name})
  endif()
endfunction()

# gradquake_test(NAME [SOURCES a_test.cpp ... | EXCLUDE b.cpp ...] [MORE /c.cpp ...] [ROOMS core ...] [LIBRARIES ...]
#                [LABEL unit] [TIMEOUT 120])
# NAME_test from every source of the folder (but EXCLUDE) or from SOURCES, and MORE, linked with the objects of ROOMS.
# Every test case becomes one CTest test. Rooms without torch are tested from their objects, in a second.
function(gradquake_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;EXCLUDE;MORE;ROOMS;LIBRARIES" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS *.cpp)
    list(REMOVE_ITEM arg_SOURCES ${arg_EXCLUDE} "")
  endif()
  list(TRANSFORM arg_ROOMS PREPEND gradquake_)
  add_executable(${name}_test ${arg_SOURCES} ${arg_MORE})
  target_link_libraries(${name}_test PRIVATE gradquake_settings ${arg_ROOMS} ${arg_LIBRARIES} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name}_test PRIVATE GRADQUAKE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GRADQUAKE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${name}_test PROPERTIES UNITY_BUILD OFF)  # every test file has helpers of its own
  target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)  # what is tested is optimised; a fifth less time
  if(gradquake_train IN_LIST arg_ROOMS OR gradquake_hooks IN_LIST arg_LIBRARIES)
    gradquake_precompiled(${name}_test)
    target_compile_options(${name}_test PRIVATE -fPIC)  # as the precompiled headers were
  endif()
  gtest_discover_tests(${name}_test TEST_PREFIX "${arg_LABEL}." DISCOVERY_TIMEOUT 120 PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()

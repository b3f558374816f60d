# Copies a project from SOURCE to FOLDER; configures it with OPTIONS and builds its PROGRAM, unless that is empty; then
# runs the commands RUN there, each as one string, or where there is none the program.
file(REMOVE_RECURSE ${FOLDER})
file(COPY ${SOURCE}/ DESTINATION ${FOLDER})

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${FOLDER} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "status ${status}: ${ARGN}")
  endif()
endfunction()

if(PROGRAM)
  run(${CMAKE_COMMAND} -S . -B build -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${BUILD_TYPE} -DCMAKE_CXX_FLAGS=${FLAGS}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${OPTIONS})
  run(${CMAKE_COMMAND} --build build --target ${PROGRAM})
  file(GLOB_RECURSE program ${FOLDER}/build/${PROGRAM})
endif()
if(NOT RUN)
  run(${program})
endif()
foreach(command IN LISTS RUN)
  separate_arguments(command UNIX_COMMAND "${command}")
  run(${command})
endforeach()

# Copies a project from SOURCE to FOLDER, configures it with OPTIONS, builds its PROGRAM and runs it.
file(REMOVE_RECURSE ${FOLDER})
file(COPY ${SOURCE}/ DESTINATION ${FOLDER})

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${FOLDER} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "status ${status}: ${ARGN}")
  endif()
endfunction()

run(${CMAKE_COMMAND} -S . -B build -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${BUILD_TYPE} -DCMAKE_CXX_FLAGS=${FLAGS}
  -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${OPTIONS})
run(${CMAKE_COMMAND} --build build --target ${PROGRAM})
file(GLOB_RECURSE program ${FOLDER}/build/${PROGRAM})
run(${program})

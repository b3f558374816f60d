# The installation as its users see it: installed into the build folder, run, and found by a project outside the tree.
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/prefix)
set(consumer ${CMAKE_CURRENT_BINARY_DIR}/consumer)

string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)

function(package_test claim)
  add_test(NAME end_to_end.PackageTest.${claim} COMMAND ${ARGN})
  set_tests_properties(end_to_end.PackageTest.${claim} PROPERTIES LABELS end_to_end TIMEOUT 300)
endfunction()

package_test(InstallsIntoAPrefix ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix})
set_tests_properties(end_to_end.PackageTest.InstallsIntoAPrefix PROPERTIES FIXTURES_SETUP installation)

package_test(ConsumersOwnTapIsReachedByTheLibrarysPlan ${CMAKE_COMMAND}
  -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/consumer -DFOLDER=${consumer} -DPREFIX=${prefix} -DGENERATOR=${CMAKE_GENERATOR}
  -DBUILD_TYPE=${CMAKE_BUILD_TYPE} "-DFLAGS=${CMAKE_CXX_FLAGS_${build_type}}" -DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
  -P ${CMAKE_CURRENT_SOURCE_DIR}/consumer.cmake)
set_tests_properties(end_to_end.PackageTest.ConsumersOwnTapIsReachedByTheLibrarysPlan
  PROPERTIES FIXTURES_REQUIRED installation)

if(TARGET gradquake_program)
  package_test(InstalledProgramFindsItsLibraries ${prefix}/${CMAKE_INSTALL_BINDIR}/gradquake --help)
  set_tests_properties(end_to_end.PackageTest.InstalledProgramFindsItsLibraries PROPERTIES FIXTURES_REQUIRED installation)
endif()

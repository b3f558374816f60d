# The installation as its users see it: installed into the build folder, run, and found by projects outside the tree,
# those of examples/.
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/prefix)
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)

function(package_test claim)
  add_test(NAME end_to_end.PackageTest.${claim} COMMAND ${ARGN})
  set_tests_properties(end_to_end.PackageTest.${claim} PROPERTIES LABELS end_to_end TIMEOUT 900)  # one of them compiles hooks/ anew
endfunction()

# package_example(CLAIM EXAMPLE [NOTHING_TO_BUILD] [RUN "command" ...] [OPTIONS -DOPTION=... ...]): a copy of
# examples/EXAMPLE, configured with the options and built; then the commands, or without any what was built, are run.
function(package_example claim example)
  cmake_parse_arguments(arg NOTHING_TO_BUILD "" "RUN;OPTIONS" ${ARGN})
  set(program ${example})
  if(arg_NOTHING_TO_BUILD)
    set(program "")
  endif()
  package_test(${claim} ${CMAKE_COMMAND}
    -DSOURCE=${PROJECT_SOURCE_DIR}/examples/${example} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/${claim}
    -DPROGRAM=${program} -DGENERATOR=${CMAKE_GENERATOR} -DBUILD_TYPE=${CMAKE_BUILD_TYPE}
    "-DFLAGS=${CMAKE_CXX_FLAGS_${build_type}}" -DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER} "-DOPTIONS=${arg_OPTIONS}"
    "-DRUN=${arg_RUN}" -P ${PROJECT_SOURCE_DIR}/tests/end_to_end/consumer.cmake)
endfunction()

package_test(InstallsIntoAPrefix ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix})
set_tests_properties(end_to_end.PackageTest.InstallsIntoAPrefix PROPERTIES FIXTURES_SETUP installation)

# A nlohmann-json that cannot be found: hooks needs nothing but LibTorch.
package_example(HooksAloneNeedsNothingButLibTorch tap_own_module OPTIONS
  -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
set_tests_properties(end_to_end.PackageTest.HooksAloneNeedsNothingButLibTorch PROPERTIES FIXTURES_REQUIRED installation)

package_example(OwnModuleTrainsInAFewLines own_module OPTIONS -DCMAKE_PREFIX_PATH=${prefix})
set_tests_properties(end_to_end.PackageTest.OwnModuleTrainsInAFewLines PROPERTIES FIXTURES_REQUIRED installation)

package_example(SourceTreeBuildsInsideAnotherProject tap_own_module OPTIONS
  -DGRADQUAKE_SOURCE=${PROJECT_SOURCE_DIR} -DTorch_DIR=${Torch_DIR} -DCMAKE_UNITY_BUILD=ON
  -DCMAKE_UNITY_BUILD_BATCH_SIZE=100 -DGRADQUAKE_PRECOMPILED=OFF)

find_program(pkg_config pkg-config)
if(pkg_config)
  package_test(PkgConfigSaysWhatToCompileAndLinkWith sh -c "${CMAKE_CXX_COMPILER} -O1 \
    ${PROJECT_SOURCE_DIR}/examples/tap_own_module/main.cpp -o ${CMAKE_CURRENT_BINARY_DIR}/by_pkg_config \
    $(PKG_CONFIG_PATH=${prefix}/${CMAKE_INSTALL_LIBDIR}/pkgconfig ${pkg_config} --cflags --libs gradquake-hooks) && \
    ${CMAKE_CURRENT_BINARY_DIR}/by_pkg_config")
  set_tests_properties(end_to_end.PackageTest.PkgConfigSaysWhatToCompileAndLinkWith PROPERTIES FIXTURES_REQUIRED installation)
endif()

package_test(ConfigsAreInstalled ${CMAKE_COMMAND} -E cat
  ${prefix}/${CMAKE_INSTALL_DATADIR}/gradquake/configs/README.md ${prefix}/${CMAKE_INSTALL_DATADIR}/gradquake/configs/digits_mlp.yaml)
set_tests_properties(end_to_end.PackageTest.ConfigsAreInstalled PROPERTIES FIXTURES_REQUIRED installation)

if(TARGET gradquake_program)
  set(installed ${prefix}/${CMAKE_INSTALL_BINDIR}/gradquake)
  package_example(APluginAddsAKind own_perturbation OPTIONS -DCMAKE_PREFIX_PATH=${prefix} RUN
    "${installed} kinds perturbation fixed_point --plugin build/libown_perturbation.so" "${installed} train config.yaml")
  set_tests_properties(end_to_end.PackageTest.APluginAddsAKind PROPERTIES FIXTURES_REQUIRED installation)

  # Python's own torch, where bootstrap --tests has put it.
  set(python ${PROJECT_SOURCE_DIR}/.venv/bin/python)
  if(EXISTS ${python})
    package_example(ANetworkGoesFromPythonAndBack from_python NOTHING_TO_BUILD RUN "${python} export.py"
      "${installed} plan config.yaml" "${installed} train config.yaml" "${python} load.py")
    set_tests_properties(end_to_end.PackageTest.ANetworkGoesFromPythonAndBack PROPERTIES FIXTURES_REQUIRED installation)
  endif()

  package_test(InstalledProgramFindsItsLibraries ${installed} --help)
  set_tests_properties(end_to_end.PackageTest.InstalledProgramFindsItsLibraries PROPERTIES FIXTURES_REQUIRED installation)
endif()

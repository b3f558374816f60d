// scripts/bootstrap, on made-up machines: a copy of the script in an empty folder, with programs of our own first on
// PATH.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "command.h"

namespace gradquake {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class BootstrapTest : public testing::Test {
 protected:
  BootstrapTest() {
    std::string pattern = (fs::temp_directory_path() / "bootstrap XXXXXX").string();
    clone_ = mkdtemp(pattern.data());
    fs::create_directories(clone_ / "scripts");
    fs::copy_file(GRADQUAKE_SOURCE_DIR "/scripts/bootstrap", clone_ / "scripts/bootstrap");
    program("dpkg-query", "shift 3; printf '%s installed\\n' \"$@\"");
    program("apt-get", "echo \"apt-get $*\"");
  }
  ~BootstrapTest() override { fs::remove_all(clone_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((clone_ / path).parent_path());
    std::ofstream(clone_ / path) << text;
  }
  void program(const std::string& name, const std::string& body) const {
    write("bin/" + name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(clone_ / "bin" / name, fs::perms::owner_all);
  }
  // pip succeeds when its arguments hold `source`, leaving a complete torch, and writes what it was asked to a file.
  void python_whose_pip_finds_torch_in(const std::string& source) const {
    program("python",
            "echo \"$*\" >>'" + (clone_ / "asked").string() + "'\n" + "case \"$*\" in *--version*) exit 0;; *'" +
                source + "'*) ;; *) echo 'no matching distribution'; exit 1;; esac\n" +
                "d=.venv/lib/python3.11/site-packages; mkdir -p $d/torch $d/torch-2.13.0+cpu.dist-info\n" +
                "echo 'cuda: Optional[str] = None' >$d/torch/version.py\n" + ": >$d/torch-2.13.0+cpu.dist-info/RECORD");
    program("python3", "case \"$*\" in '-m venv --clear '*) rm -rf .venv; mkdir -p .venv/bin; cp '" +
                           (clone_ / "bin/python").string() + "' .venv/bin/python;; esac");
  }
  CommandResult bootstrap(const std::string& environment = "", const std::string& arguments = "") const {
    return run_command("unset CMAKE_PREFIX_PATH Torch_DIR GRADQUAKE_PIP_ARGS; cd / && PATH='" +
                       (clone_ / "bin").string() + "':\"$PATH\" " + environment + " bash '" +
                       (clone_ / "scripts/bootstrap").string() + "' " + arguments);
  }
  std::string asked() const {
    std::ifstream file(clone_ / "asked");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void torch_in_venv(const std::string& cuda) const {
    write(".venv/lib/python3.11/site-packages/torch/version.py", "cuda: Optional[str] = " + cuda + "\n");
  }
  void record_in_venv() const { write(".venv/lib/python3.11/site-packages/torch-2.13.0+cpu.dist-info/RECORD", ""); }

  fs::path clone_;
};

TEST_F(BootstrapTest, ChangesNothingInUnderTwoSecondsWhenAllIsThere) {
  torch_in_venv("None");
  record_in_venv();
  const auto start = std::chrono::steady_clock::now();
  const CommandResult result = bootstrap();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, "");
}

TEST_F(BootstrapTest, MakesNoVenvWhereALibTorchIsGiven) {
  write("libtorch/share/cmake/Torch/TorchConfig.cmake", "");
  const std::string libtorch = (clone_ / "libtorch").string();
  EXPECT_EQ(bootstrap("CMAKE_PREFIX_PATH='/nowhere:" + libtorch + "'").status, 0);
  EXPECT_EQ(bootstrap("Torch_DIR='" + libtorch + "/share/cmake/Torch'").status, 0);
  EXPECT_FALSE(fs::exists(clone_ / ".venv"));
}

TEST_F(BootstrapTest, TakesTheWheelFromTheConfiguredIndexFirst) {
  python_whose_pip_finds_torch_in("torch==2.13.0+cpu");
  EXPECT_EQ(bootstrap().status, 0);
  EXPECT_THAT(asked(), Not(HasSubstr("--index-url")));
}

TEST_F(BootstrapTest, FallsBackToTheIndexOfPyTorchsInstallPage) {
  python_whose_pip_finds_torch_in("--index-url https://download.pytorch.org/whl/cpu");
  EXPECT_EQ(bootstrap().status, 0);
}

TEST_F(BootstrapTest, HandsItsArgumentsToPip) {
  python_whose_pip_finds_torch_in("--find-links wheels --no-index");
  EXPECT_EQ(bootstrap("GRADQUAKE_PIP_ARGS='--find-links wheels --no-index'").status, 0);
}

TEST_F(BootstrapTest, SaysWhatToDoWhenNoIndexHasTheCpuWheel) {
  python_whose_pip_finds_torch_in("nowhere");
  const CommandResult result = bootstrap();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("no matching distribution"));
  EXPECT_THAT(result.output, HasSubstr("Do not take plain torch from PyPI (a CUDA build of several GB)"));
}

TEST_F(BootstrapTest, RepairsAVenvThatWasCutShort) {
  python_whose_pip_finds_torch_in("torch==2.13.0+cpu");
  torch_in_venv("None");
  write(".venv/leftover", "");
  EXPECT_EQ(bootstrap().status, 0);
  EXPECT_FALSE(fs::exists(clone_ / ".venv/leftover"));
  EXPECT_EQ(bootstrap().output, "");
}

TEST_F(BootstrapTest, RefusesACudaBuildWithoutTheCudaToolkit) {
  torch_in_venv("'12.6'");
  record_in_venv();
  program("nvcc", "exit 1");
  const CommandResult result = bootstrap("CUDA_HOME=/nowhere");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("the torch in .venv is a CUDA build"));
}

TEST_F(BootstrapTest, NamesTheLineToRunWhenAPackageStaysMissing) {
  torch_in_venv("None");
  record_in_venv();
  program("dpkg-query", "shift 3; printf '%s installed\\n' \"$@\" | grep -v -e libfmt-dev -e zlib1g-dev; exit 1");
  program("sudo", "exit 1");
  const CommandResult result = bootstrap();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("Run as root: apt-get update && apt-get install -y --no-install-recommends "
                                       "libfmt-dev zlib1g-dev\n"));
}

TEST_F(BootstrapTest, InstallsOnlyWhatIsMissing) {
  if (geteuid() != 0) program("sudo", "[ \"$1\" = -n ] && shift; exec \"$@\"");
  torch_in_venv("None");
  record_in_venv();
  const std::string done = "'" + (clone_ / "done").string() + "'";
  program("dpkg-query",
          "shift 3; printf '%s installed\\n' \"$@\" | if [ -e " + done + " ]; then cat; else grep -v libfmt-dev; fi");
  program("apt-get", "echo \"apt-get $*\"; [ \"$1\" = update ] || : >" + done);
  const CommandResult result = bootstrap();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("apt-get install -y -q --no-install-recommends libfmt-dev\n"));
  EXPECT_THAT(bootstrap().output, Not(HasSubstr("apt-get")));
}

TEST_F(BootstrapTest, AsksForTheTestsPackagesWithTestsOnly) {
  torch_in_venv("None");
  record_in_venv();
  program("dpkg-query", "shift 3; printf '%s installed\\n' \"$@\" | grep -v -e libgtest-dev -e libyaml-cpp-dev");
  program("sudo", "exit 1");
  EXPECT_THAT(bootstrap().output, HasSubstr("--no-install-recommends libyaml-cpp-dev\n"));
  EXPECT_THAT(bootstrap("", "--tests").output, HasSubstr("--no-install-recommends libyaml-cpp-dev libgtest-dev\n"));
}

TEST_F(BootstrapTest, TakesOfPythonWhatTheProgramNeedsAndTheRestForTests) {
  python_whose_pip_finds_torch_in("torch==2.13.0+cpu");
  EXPECT_EQ(bootstrap().status, 0);
  EXPECT_THAT(asked(), HasSubstr("--no-deps torch==2.13.0+cpu"));
  EXPECT_THAT(asked(), Not(HasSubstr("safetensors")));
  EXPECT_EQ(bootstrap("", "--tests").status, 0);
  EXPECT_THAT(asked(), HasSubstr("torch==2.13.0+cpu numpy safetensors"));
}

TEST_F(BootstrapTest, BringsTheWheelWhileAptGetWorks) {
  python_whose_pip_finds_torch_in("torch==2.13.0+cpu");
  if (geteuid() != 0) program("sudo", "[ \"$1\" = -n ] && shift; exec \"$@\"");
  const std::string done = "'" + (clone_ / "done").string() + "'";
  program("dpkg-query",
          "shift 3; printf '%s installed\\n' \"$@\" | if [ -e " + done + " ]; then cat; else grep -v libfmt-dev; fi");
  // This apt-get ends when the wheel is there.
  program("apt-get", "[ \"$1\" = install ] || exit 0\nfor i in $(seq 100); do if [ -e '" + clone_.string() +
                         "/.venv/lib/python3.11/site-packages/torch-2.13.0+cpu.dist-info/RECORD' ]; then : >" + done +
                         "; exit 0; fi; sleep 0.1; done; exit 1");
  const CommandResult result = bootstrap();
  EXPECT_EQ(result.status, 0) << result.output;
}

}  // namespace
}  // namespace gradquake

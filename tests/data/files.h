// Where the tests' real data lies, and files of their own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gradquake/core/error.h"

namespace gradquake::data {

// GRADQUAKE_DATA, else ../shared/data beside the sources; empty where neither exists.
inline std::string data_folder() {
  const char* given = std::getenv("GRADQUAKE_DATA");
  const std::string folder = given != nullptr ? given : GRADQUAKE_SOURCE_DIR "/../shared/data";
  return std::filesystem::is_directory(folder) ? folder : "";
}

// A folder of this test alone, removed with it.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(testing::TempDir() + "/gradquake-" + testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
              std::to_string(getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name) const { return path_ + "/" + name; }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  std::string write_gzip(const std::string& name, const std::string& content) const {
    gzFile file = gzopen(path(name).c_str(), "wb9");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path(name);
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The message of the UserError that `action` throws; "no error" without one.
template <typename Action>
std::string user_error(const Action& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace gradquake::data

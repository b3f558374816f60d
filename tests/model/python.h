// The Python beside the sources: what tests compare with, where there is one.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace gradquake::model {

inline std::string python() {
  if (const char* given = std::getenv("GRADQUAKE_PYTHON")) return given;
  return GRADQUAKE_SOURCE_DIR "/.venv/bin/python";
}

// Without importing it, which takes torch seconds.
inline bool python_has(const std::string& module) {
  const std::string find = " -c 'import sys, importlib.util as u; sys.exit(u.find_spec(\"" + module + "\") is None)'";
  return std::filesystem::exists(python()) && std::system((python() + find + " >/dev/null 2>&1").c_str()) == 0;
}

// What it prints, errors too; fails the test where it fails. `arguments`: as a shell takes them.
inline std::string run_python(const std::string& arguments) {
  std::string printed;
  FILE* pipe = popen((python() + " " + arguments + " 2>&1").c_str(), "r");
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) printed += line.data();
  EXPECT_EQ(pclose(pipe), 0) << printed;
  return printed;
}

}  // namespace gradquake::model

#include <gtest/gtest.h>

#include <string>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

// Where a config's data file or folder lies in the data folder: data/mnist -> DATA/mnist.
Arguments data_override(const std::string& config) {
  const std::string before = "path: data/";
  const std::size_t found = config.find(before);
  if (found == std::string::npos) return {};
  const std::size_t start = found + before.size(), end = config.find_first_of(",} \n", start);
  return {"data.path=" + (data_folder() / config.substr(start, end - start)).string()};
}

TEST(ConfigsTest, EveryShippedConfigIsAValidPlan) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder; GRADQUAKE_DATA names it";
  int configs = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(GRADQUAKE_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path());
    Arguments arguments{"plan", entry.path().string(), "--json"};
    for (const std::string& override : data_override(read_file(entry.path()))) arguments.push_back(override);
    const Workspace workspace;
    const Result result = workspace.run(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    const Json plan = Json::parse(result.out, nullptr, false);
    ASSERT_TRUE(plan.is_object());
    EXPECT_FALSE(plan.at("rules").empty());
    for (const Json& rule : plan.at("rules")) EXPECT_FALSE(rule.at("first_firings").empty()) << rule.at("label");
    ++configs;
  }
  EXPECT_GE(configs, 6);
}

TEST(ConfigsTest, ReadmeHasALineForEach) {
  const fs::path folder = fs::path(GRADQUAKE_SOURCE_DIR) / "configs";
  const std::string readme = read_file(folder / "README.md");
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NE(readme.find("`" + entry.path().filename().string() + "`"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace gradquake::end_to_end

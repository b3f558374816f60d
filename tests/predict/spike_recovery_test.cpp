// The experiment of experiments/spike_recovery as its README runs it, held against its expected.json.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace gradquake {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json read_json(const fs::path& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

// Every [low, high] of `expected` holds the value of the same name.
void expect_within(const Json& expected, const Json& actual, const std::string& place) {
  for (const auto& [key, range] : expected.items()) {
    if (range.is_object()) {
      expect_within(range, actual[key], place + key + ".");
    } else if (range.is_array()) {
      EXPECT_GE(actual[key].get<double>(), range[0].get<double>()) << place << key;
      EXPECT_LE(actual[key].get<double>(), range[1].get<double>()) << place << key;
    }
  }
}

TEST(SpikeRecoveryTest, TheQuickExperimentComesOutAsItsReadmeSays) {
  const fs::path folder = fs::path(GRADQUAKE_SOURCE_DIR) / "experiments" / "spike_recovery";
  const fs::path out = fs::path(testing::TempDir()) / ("gradquake-spikes-" + std::to_string(getpid()));
  const std::string command = "GRADQUAKE='" GRADQUAKE_BINARY_DIR "/gradquake' '" + (folder / "run.sh").string() +
                              "' --quick --out '" + out.string() + "' digits > /dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Json score = read_json(out / "digits" / "score.json");
  fs::remove_all(out);
  expect_within(read_json(folder / "expected.json"), score["total"], "");
}

}  // namespace
}  // namespace gradquake

#include "gradquake/predict/run_history.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gradquake::predict {
namespace {

class RunHistoryTest : public testing::Test {
 protected:
  ~RunHistoryTest() override { std::filesystem::remove(path_); }

  RunHistory read(const std::string& lines, std::int64_t steps) {
    std::ofstream(path_) << lines;
    return read_history(path_, steps);
  }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("gradquake-history-" + std::to_string(::getpid()) + ".jsonl");
};

std::string line(int step, const std::string& gamma, const std::string& loss, const std::string& clean,
                 const std::string& error, int injections, bool finite = true) {
  return R"({"step":)" + std::to_string(step) + R"(,"epoch":0,"loss":1.0,"learning_rate":)" + gamma +
         R"(,"grad_norm":1.0,"clean_loss":)" + loss + R"(,"clean_grad_norm":)" + clean + R"(,"grad_error":)" + error +
         R"(,"finite":)" + (finite ? "true" : "false") + R"(,"spike":false,"injections":)" +
         std::to_string(injections) + "}\n";
}

TEST_F(RunHistoryTest, SumsUpWhatTheBoundsTakeIn) {
  const RunHistory history = read(line(0, "0.1", "8.0", "2.0", "0.0", 0) + line(1, "0.3", "6.0", "4.0", "3.0", 2) +
                                      line(2, "0.1", "2.0", "1.0", "0.0", 0) + line(3, "0.1", "1.0", "1.0", "1.0", 1),
                                  4);
  ASSERT_EQ(history.errors.size(), 4u);
  EXPECT_DOUBLE_EQ(history.errors[1].step_size, 0.3);
  EXPECT_DOUBLE_EQ(history.errors[1].second_moment, 9);
  EXPECT_DOUBLE_EQ(history.errors[1].bias_squared, 9);
  EXPECT_EQ(history.firing_steps, 2);
  EXPECT_DOUBLE_EQ(history.mean_squared_error, 5);
  EXPECT_DOUBLE_EQ(*history.first_loss, 8);
  EXPECT_DOUBLE_EQ(*history.late_loss, 1.5);
  EXPECT_DOUBLE_EQ(*history.mean_squared_gradient, (0.1 * 4 + 0.3 * 16 + 0.1 + 0.1) / 0.6);
}

TEST_F(RunHistoryTest, OneUnknownErrorMakesAllUnknown) {
  const RunHistory history =
      read(line(0, "0.1", "8.0", "2.0", "0.0", 0) + line(1, "0.1", "null", "null", "null", 1), 2);
  EXPECT_TRUE(history.errors.empty());
  EXPECT_DOUBLE_EQ(*history.first_loss, 8);
  EXPECT_FALSE(history.late_loss);
}

TEST_F(RunHistoryTest, AStepThatNothingHitNeedsNoShadow) {
  const RunHistory history = read(line(0, "0.1", "null", "null", "null", 0), 1);
  ASSERT_EQ(history.errors.size(), 1u);
  EXPECT_EQ(history.errors[0].second_moment, 0);
  EXPECT_FALSE(history.first_loss);
  EXPECT_FALSE(history.mean_squared_gradient);
}

TEST_F(RunHistoryTest, AStepWithoutUpdateIsLeftOut) {
  const RunHistory history =
      read(line(0, "0.1", "1.0", "1.0", "0.0", 0) + line(1, "0.1", "null", "null", "null", 0, false), 2);
  EXPECT_EQ(history.errors.size(), 1u);
  EXPECT_EQ(history.firing_steps, 0);
}

TEST_F(RunHistoryTest, APerturbationThatIsNotFiniteHasNoKnownEnergy) {
  EXPECT_TRUE(read(line(0, "0.1", "1.0", "1.0", "0.0", 0) + line(1, "0.1", "null", "null", "null", 1, false), 2)
                  .errors.empty());
}

}  // namespace
}  // namespace gradquake::predict

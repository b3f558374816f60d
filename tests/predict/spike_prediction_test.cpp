#include "gradquake/predict/spike_prediction.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gradquake::predict {
namespace {

TEST(SpikePredictionTest, WhatIsWrittenIsReadBack) {
  SpikePrediction first;
  first.step = 70;
  first.learning_rate = 0.1;
  first.level = 1.0 / 3;
  first.displacement = 2e-3;
  first.local = {12.0, "local", ""};
  first.bound = {std::nullopt, "(38)", "noise floor"};
  SpikePrediction second;
  second.step = 90;
  const auto path =
      std::filesystem::temp_directory_path() / ("gradquake-predictions-" + std::to_string(::getpid()) + ".jsonl");
  std::ofstream(path) << prediction_line(first) << '\n' << prediction_line(second) << '\n';
  const std::vector<SpikePrediction> read = read_predictions(path);
  std::filesystem::remove(path);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(prediction_line(read[0]), prediction_line(first));
  EXPECT_EQ(prediction_line(read[1]), prediction_line(second));
  EXPECT_EQ(*read[0].level, 1.0 / 3);
  EXPECT_EQ(*read[0].local.value, 12);
  EXPECT_EQ(read[0].bound.reason, "noise floor");
  EXPECT_FALSE(read[1].level);
}

}  // namespace
}  // namespace gradquake::predict

// The exact text of every record.
#include "gradquake/report/lines.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace gradquake::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(LinesTest, AStepWithAShadowHoldsEveryField) {
  StepRecord record;
  record.step = 130;
  record.epoch = 2;
  record.loss = 0.25;
  record.learning_rate = 0.05;
  record.grad_norm = 3;
  record.clean_loss = 0.125;
  record.clean_grad_norm = 1e-7;
  record.grad_error = 2.5e21;
  record.injections.resize(2);
  EXPECT_EQ(step_line(record, true),
            R"({"step":130,"epoch":2,"loss":0.25,"learning_rate":0.05,"grad_norm":3.0,"clean_loss":0.125,)"
            R"("clean_grad_norm":1e-07,"grad_error":2.5e+21,"finite":true,"spike":true,"injections":2})");
}

TEST(LinesTest, WhatAStepDoesNotKnowIsNull) {
  EXPECT_EQ(step_line({}, false),
            R"({"step":0,"epoch":0,"loss":0.0,"learning_rate":0.0,"grad_norm":0.0,"clean_loss":null,)"
            R"("clean_grad_norm":null,"grad_error":null,"finite":true,"spike":false,"injections":0})");
}

TEST(LinesTest, NonFiniteNumbersAreNullAndTheStepSaysSo) {
  StepRecord record;
  record.loss = kInf;
  record.grad_norm = kNaN;
  record.clean_loss = -kInf;
  EXPECT_EQ(step_line(record, true),
            R"({"step":0,"epoch":0,"loss":null,"learning_rate":0.0,"grad_norm":null,"clean_loss":null,)"
            R"("clean_grad_norm":null,"grad_error":null,"finite":false,"spike":true,"injections":0})");
}

TEST(LinesTest, EveryDoubleReadsBackToTheSameBits) {
  std::mt19937_64 draw(3);
  for (int i = 0; i < 20000; ++i) {
    StepRecord record;
    record.loss = std::bit_cast<double>(draw());
    const auto line = nlohmann::json::parse(step_line(record, false));
    if (!std::isfinite(record.loss)) {
      ASSERT_TRUE(line.at("loss").is_null());
      continue;
    }
    ASSERT_TRUE(line.at("loss").is_number_float());
    ASSERT_EQ(std::bit_cast<std::uint64_t>(line.at("loss").get<double>()), std::bit_cast<std::uint64_t>(record.loss));
  }
}

TEST(LinesTest, WholeNumbersStayFloatingPoint) {
  StepRecord record;
  for (const double value : {0.0, -0.0, 1.0, 1e15, 123456789.0, 9007199254740993.0}) {
    record.loss = value;
    EXPECT_TRUE(nlohmann::json::parse(step_line(record, false)).at("loss").is_number_float()) << value;
  }
}

SpikeRecord full_spike() {
  SpikeRecord spike;
  spike.step = 100;
  spike.detector = "both";
  spike.score = 7.5;
  spike.grad_norm = 6;
  spike.clean_grad_norm = 2;
  spike.grad_error = 5.5;
  spike.layer = "layers.1";
  spike.causes = {{"late", "layers.2", "forward", 12.5, 0}, {"early", "layers.1", "backward", 0.5, 3}};
  spike.level = 1.5;
  spike.loss_level = 0.5;
  spike.curvature = CurvatureRecord{100, 7.5, -0.5, std::nullopt, 7.5, 0.375, 24};
  spike.predicted = {12.0, "local", ""};
  spike.predicted_displaced = {std::nullopt, "local", "never within 2000 steps"};
  spike.observed_recovery_steps = 9;
  spike.gradient_recovery_steps = 8;
  spike.verdict = "recovered";
  spike.episode = 2;
  return spike;
}

TEST(LinesTest, ASpikeHoldsEveryFieldInOrder) {
  EXPECT_EQ(
      spike_line(full_spike()),
      R"({"step":100,"detector":"both","score":7.5,"grad_norm":6.0,"clean_grad_norm":2.0,"grad_error":5.5,"layer":"layers.1","causes":[)"
      R"({"rule":"late","site":"layers.2","direction":"forward","norm":12.5,"steps_ago":0},)"
      R"({"rule":"early","site":"layers.1","direction":"backward","norm":0.5,"steps_ago":3}],)"
      R"("level":1.5,"loss_level":0.5,"curvature":{"step":100,"lambda_max":7.5,"lambda_min":-0.5,"lambda_min_bound":null,)"
      R"("smoothness":7.5,"gamma_L":0.375,"products":24},)"
      R"("predicted":{"value":12.0,"equation":"local","reason":null},)"
      R"("predicted_displaced":{"value":null,"equation":"local","reason":"never within 2000 steps"},)"
      R"("observed_recovery_steps":9,"gradient_recovery_steps":8,"verdict":"recovered","episode":2})");
}

TEST(LinesTest, ANaturalUnmeasuredSpikeIsMostlyNull) {
  SpikeRecord spike;
  spike.step = 3;
  spike.detector = "nonfinite";
  spike.grad_norm = kInf;
  spike.verdict = "open";
  EXPECT_EQ(
      spike_line(spike),
      R"({"step":3,"detector":"nonfinite","score":null,"grad_norm":null,"clean_grad_norm":null,"grad_error":null,"layer":null,)"
      R"("causes":[],"level":null,"loss_level":null,"curvature":null,)"
      R"("predicted":{"value":null,"equation":null,"reason":null},)"
      R"("predicted_displaced":{"value":null,"equation":null,"reason":null},)"
      R"("observed_recovery_steps":null,"gradient_recovery_steps":null,"verdict":"open","episode":0})");
}

TEST(LinesTest, AnInjectionIsALedgerLine) {
  EXPECT_EQ(ledger_line({7, "late", "layers.2", "backward", 1, 8192, 0.75, 0.1}),
            R"({"step":7,"rule":"late","site":"layers.2","direction":"backward","occurrence":1,"elements":8192,)"
            R"("norm":0.75,"relative_norm":0.1})");
}

TEST(LinesTest, AnEvaluationWithoutAccuracySaysNull) {
  EXPECT_EQ(evaluation_line({200, 0.5, 0.97}), R"({"step":200,"loss":0.5,"accuracy":0.97})");
  EXPECT_EQ(evaluation_line({200, 0.5, std::nullopt}), R"({"step":200,"loss":0.5,"accuracy":null})");
}

TEST(LinesTest, CurvatureHoldsEveryField) {
  EXPECT_EQ(curvature_line({16, 0.2, std::nullopt, -0.1, 0.2, 0.01, 30}),
            R"({"step":16,"lambda_max":0.2,"lambda_min":null,"lambda_min_bound":-0.1,"smoothness":0.2,"gamma_L":0.01,"products":30})");
}

TEST(LinesTest, NamesAreEscaped) {
  InjectionRecord injection;
  injection.rule = "a \"b\"\\\n\x01";
  injection.site = "sch\xc3\xb6n";
  const auto text = ledger_line(injection);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line.at("rule"), injection.rule);
  EXPECT_EQ(line.at("site"), injection.site);
}

TEST(LinesTest, BytesThatAreNoTextDoNotBreakTheLine) {
  InjectionRecord injection;
  injection.rule = "\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(ledger_line(injection)));
}

}  // namespace
}  // namespace gradquake::report

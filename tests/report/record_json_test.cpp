// The exact text of every record, and its way back.
#include "gradquake/report/record_json.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace gradquake::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(RecordJsonTest, AStepWithAShadowHoldsEveryField) {
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
  EXPECT_EQ(to_line(step_line(record, true)),
            R"({"step":130,"epoch":2,"loss":0.25,"learning_rate":0.05,"grad_norm":3.0,"clean_loss":0.125,)"
            R"("clean_grad_norm":1e-07,"grad_error":2.5e+21,"finite":true,"spike":true,"injections":2})");
}

TEST(RecordJsonTest, WhatAStepDoesNotKnowIsNull) {
  EXPECT_EQ(to_line(step_line({}, false)),
            R"({"step":0,"epoch":0,"loss":0.0,"learning_rate":0.0,"grad_norm":0.0,"clean_loss":null,)"
            R"("clean_grad_norm":null,"grad_error":null,"finite":true,"spike":false,"injections":0})");
}

TEST(RecordJsonTest, NonFiniteNumbersAreNullAndTheStepSaysSo) {
  StepRecord record;
  record.loss = kInf;
  record.grad_norm = kNaN;
  record.clean_loss = -kInf;
  EXPECT_EQ(to_line(step_line(record, true)),
            R"({"step":0,"epoch":0,"loss":null,"learning_rate":0.0,"grad_norm":null,"clean_loss":null,)"
            R"("clean_grad_norm":null,"grad_error":null,"finite":false,"spike":true,"injections":0})");
}

TEST(RecordJsonTest, EveryDoubleReadsBackToTheSameBits) {
  std::mt19937_64 draw(3);
  for (int i = 0; i < 20000; ++i) {
    StepRecord record;
    record.loss = std::bit_cast<double>(draw());
    const auto line = nlohmann::json::parse(to_line(step_line(record, false)));
    if (!std::isfinite(record.loss)) {
      ASSERT_TRUE(line.at("loss").is_null());
      continue;
    }
    ASSERT_TRUE(line.at("loss").is_number_float());
    ASSERT_EQ(std::bit_cast<std::uint64_t>(line.at("loss").get<double>()), std::bit_cast<std::uint64_t>(record.loss));
  }
}

TEST(RecordJsonTest, WholeNumbersStayFloatingPoint) {
  StepRecord record;
  for (const double value : {0.0, -0.0, 1.0, 1e15, 123456789.0, 9007199254740993.0}) {
    record.loss = value;
    EXPECT_TRUE(nlohmann::json::parse(to_line(step_line(record, false))).at("loss").is_number_float()) << value;
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

TEST(RecordJsonTest, ASpikeHoldsEveryFieldInOrder) {
  EXPECT_EQ(
      to_line(full_spike()),
      R"({"step":100,"detector":"both","score":7.5,"grad_norm":6.0,"clean_grad_norm":2.0,"grad_error":5.5,"layer":"layers.1","causes":[)"
      R"({"rule":"late","site":"layers.2","direction":"forward","norm":12.5,"steps_ago":0},)"
      R"({"rule":"early","site":"layers.1","direction":"backward","norm":0.5,"steps_ago":3}],)"
      R"("level":1.5,"loss_level":0.5,"curvature":{"step":100,"lambda_max":7.5,"lambda_min":-0.5,"lambda_min_bound":null,)"
      R"("smoothness":7.5,"gamma_L":0.375,"products":24},)"
      R"("predicted":{"value":12.0,"equation":"local","reason":null},)"
      R"("predicted_displaced":{"value":null,"equation":"local","reason":"never within 2000 steps"},)"
      R"("observed_recovery_steps":9,"gradient_recovery_steps":8,"verdict":"recovered","episode":2})");
}

TEST(RecordJsonTest, ANaturalUnmeasuredSpikeIsMostlyNull) {
  SpikeRecord spike;
  spike.step = 3;
  spike.detector = "nonfinite";
  spike.grad_norm = kInf;
  spike.verdict = "open";
  EXPECT_EQ(
      to_line(spike),
      R"({"step":3,"detector":"nonfinite","score":null,"grad_norm":null,"clean_grad_norm":null,"grad_error":null,"layer":null,)"
      R"("causes":[],"level":null,"loss_level":null,"curvature":null,)"
      R"("predicted":{"value":null,"equation":null,"reason":null},)"
      R"("predicted_displaced":{"value":null,"equation":null,"reason":null},)"
      R"("observed_recovery_steps":null,"gradient_recovery_steps":null,"verdict":"open","episode":0})");
}

TEST(RecordJsonTest, AnInjectionIsALedgerLine) {
  EXPECT_EQ(to_line(InjectionRecord{7, "late", "layers.2", "backward", 1, 8192, 0.75, 0.1}),
            R"({"step":7,"rule":"late","site":"layers.2","direction":"backward","occurrence":1,"elements":8192,)"
            R"("norm":0.75,"relative_norm":0.1})");
}

TEST(RecordJsonTest, AnEvaluationWithoutAccuracySaysNull) {
  EXPECT_EQ(to_line(EvaluationRecord{200, 0.5, 0.97}), R"({"step":200,"loss":0.5,"accuracy":0.97})");
  EXPECT_EQ(to_line(EvaluationRecord{200, 0.5, std::nullopt}), R"({"step":200,"loss":0.5,"accuracy":null})");
}

TEST(RecordJsonTest, CurvatureHoldsEveryField) {
  EXPECT_EQ(
      to_line(CurvatureRecord{16, 0.2, std::nullopt, -0.1, 0.2, 0.01, 30}),
      R"({"step":16,"lambda_max":0.2,"lambda_min":null,"lambda_min_bound":-0.1,"smoothness":0.2,"gamma_L":0.01,"products":30})");
}

TEST(RecordJsonTest, NamesAreEscaped) {
  InjectionRecord injection;
  injection.rule = "a \"b\"\\\n\x01";
  injection.site = "sch\xc3\xb6n";
  const auto text = to_line(injection);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line.at("rule"), injection.rule);
  EXPECT_EQ(line.at("site"), injection.site);
}

TEST(RecordJsonTest, BytesThatAreNoTextDoNotBreakTheLine) {
  InjectionRecord injection;
  injection.rule = "\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(to_line(injection)));
}

template <class Record>
std::string there_and_back(const std::string& line) {
  return to_line(from_line<Record>(nlohmann::json::parse(line)));
}

SpikePrediction full_prediction() {
  SpikePrediction one;
  one.step = 70;
  one.learning_rate = 1e-4;
  one.level = 1.0 / 3;
  one.displacement = 2e-3;
  one.excess = 4.0;
  one.local = {12.0, "local", ""};
  one.bound = {std::nullopt, "(38)", "noise floor"};
  return one;
}

TEST(RecordJsonTest, APredictionSpellsOutWhatIsUnsaid) {
  EXPECT_EQ(to_line(full_prediction()),
            R"({"step":70,"learning_rate":0.0001,"level":0.3333333333333333,"loss":null,"grad_error":null,)"
            R"("displacement":0.002,"excess":4.0,"lambda_max":null,"smoothness":null,"pl":null,)"
            R"("gradient_variance":null,"local":{"value":12.0,"equation":"local","reason":""},)"
            R"("displaced":{"value":null,"equation":"","reason":""},)"
            R"x("bound":{"value":null,"equation":"(38)","reason":"noise floor"}})x");
}

TEST(RecordJsonTest, EveryRecordThatIsReadAndWrittenAgainIsTheSameLine) {
  StepRecord step;
  step.step = 7;
  step.loss = 1.0 / 3;
  step.clean_loss = 0.25;
  step.injections.resize(2);
  SpikeRecord natural;
  natural.detector = "nonfinite";
  natural.grad_norm = kInf;
  natural.causes = {{"r", "s", "forward", kInf, 2}};
  natural.curvature = CurvatureRecord{1, kInf, std::nullopt, -kInf, kInf, kNaN, 12};
  natural.verdict = "diverged";
  const Condition condition{"step_size", "(22)", "printed", 0.1, 0.3, 3.0, true, "L of step 16"};
  for (const std::string& line : {to_line(step_line(step, true)), to_line(step_line({}, false))}) {
    EXPECT_EQ(there_and_back<StepLine>(line), line);
  }
  for (const SpikeRecord& spike : {full_spike(), natural, SpikeRecord{}}) {
    EXPECT_EQ(there_and_back<SpikeRecord>(to_line(spike)), to_line(spike));
  }
  for (const SpikePrediction& one : {full_prediction(), SpikePrediction{}}) {
    EXPECT_EQ(there_and_back<SpikePrediction>(to_line(one)), to_line(one));
  }
  for (const Condition& one : {condition, Condition{}}) {
    EXPECT_EQ(there_and_back<Condition>(to_line(one)), to_line(one));
  }
  const std::string injection = to_line(InjectionRecord{7, "late", "layers.2", "backward", 1, 8192, kInf, 0.1});
  EXPECT_EQ(there_and_back<InjectionRecord>(injection), injection);
  const std::string total = to_line(InjectionTotal{0, 100, "late", "layers.2", "forward", 7, 700, 2.5, 1.5, kInf});
  EXPECT_EQ(there_and_back<InjectionTotal>(total), total);
  const std::string evaluation = to_line(EvaluationRecord{200, kNaN, std::nullopt});
  EXPECT_EQ(there_and_back<EvaluationRecord>(evaluation), evaluation);
  const std::string curvature = to_line(CurvatureRecord{16, 0.2, std::nullopt, -0.1, 0.2, 0.01, 30});
  EXPECT_EQ(there_and_back<CurvatureRecord>(curvature), curvature);
  const std::string prediction = to_line(Prediction{12.0, "(38)", ""});
  EXPECT_EQ(there_and_back<Prediction>(prediction), prediction);
}

TEST(RecordJsonTest, WhatIsReadBackIsWhatWasWritten) {
  const SpikeRecord spike = from_line<SpikeRecord>(nlohmann::json::parse(to_line(full_spike())));
  EXPECT_EQ(spike.causes.at(1).rule, "early");
  EXPECT_EQ(spike.curvature->products, 24);
  EXPECT_EQ(spike.predicted.value, 12.0);
  EXPECT_EQ(spike.predicted.reason, "");
  EXPECT_EQ(spike.gradient_recovery_steps, 8);
  EXPECT_EQ(spike.episode, 2);
}

TEST(RecordJsonTest, AFileIsReadRecordByRecordAndAMissingOneHoldsNone) {
  const auto path =
      std::filesystem::temp_directory_path() / ("gradquake-records-" + std::to_string(::getpid()) + ".jsonl");
  std::ofstream(path) << to_line(full_spike()) << '\n' << to_line(SpikeRecord{}) << '\n';
  EXPECT_EQ(read_records<SpikeRecord>(path).size(), 2u);
  EXPECT_EQ(read_records<SpikeRecord>(path).at(0).step, 100);
  std::filesystem::remove(path);
  EXPECT_TRUE(read_records<SpikeRecord>(path).empty());
}

}  // namespace
}  // namespace gradquake::report

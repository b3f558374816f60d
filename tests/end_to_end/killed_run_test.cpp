// kill -9 at random moments: whatever is resumed ends as the run that nobody touched, byte for byte.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <random>
#include <thread>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

struct Kind {
  const char* name;
  Arguments overrides;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

const Kind kKinds[] = {
    {"SgdBothDirections", {}},
    {"AdamDropoutNoiseClipping",
     {"optimizer={kind: adam, learning_rate: 0.003, weight_decay: 0.001, clip_norm: 1.0, gradient_noise: 0.01}",
      "model.dropout=0.2", "monitor.shadow.interval=3", "run.dtype=float64"}},
    {"SkippedStepsMomentumMicroBatches",
     {"run.on_nonfinite=skip", "data.micro_batch=16", "optimizer={kind: sgd, learning_rate: 0.02, momentum: 0.9}",
      "perturbations.0.scale=1.0e+38", "perturbations.1.schedule={kind: probability, p: 0.1}",
      "monitor.shadow.interval=0"}},
    {"RulesWithAMemory",
     {"perturbations=[{label: s, sites: 'layers.*', kind: stale, schedule: {interval: 3}},"
      " {label: e, sites: 'layers.1', direction: backward, kind: error_feedback},"
      " {label: w, sites: '*', target: weight_gradient, kind: delta}]",
      "data.micro_batch=16"}},
    {"CnnWithBatchNorm",
     {"data={kind: idx, path: images, batch_size: 16}",
      "model={kind: cnn, blocks: [{channels: 4, batch_norm: true, pool: true}]}", "run.steps=200",
      "perturbations.0.sites='*0*'", "perturbations.1.sites='*'",
      "perturbations.1.schedule={kind: budget, count: 9, spread: random, until: 150}", "evaluate.interval=25"}},
};

class KilledRunTest : public testing::TestWithParam<Kind> {
 protected:
  KilledRunTest() : seed_(std::random_device{}()), random_(seed_) {}

  void SetUp() override {
    write_images(workspace_.path() / "images");
    const auto start = std::chrono::steady_clock::now();
    unbroken_ = workspace_.trained("unbroken", GetParam().overrides);
    lasts_ = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - start);
    std::cout << "seed " << seed_ << ", unbroken in " << lasts_.count() / 1000 << " ms\n";
  }

  microseconds up_to(microseconds limit) {
    return microseconds(std::uniform_int_distribution<std::int64_t>(0, limit.count())(random_));
  }

  // The program, killed this long after `event`; it may end by itself before.
  template <class Event>
  void kill(const Arguments& arguments, const Event& event, microseconds after) {
    Process process(arguments, workspace_.path());
    process.wait_until(event);
    std::this_thread::sleep_for(after);
    process.send(SIGKILL);
    const Result result = process.wait();
    EXPECT_TRUE(result.status == 0 || result.status == 128 + SIGKILL) << result.status << ": " << result.err;
  }
  void kill(const Arguments& arguments, microseconds after) {
    kill(
        arguments, [] { return true; }, after);
  }

  Arguments train() const { return Workspace::train("killed", GetParam().overrides); }
  fs::path killed() const { return workspace_.run_path("killed"); }

  // What a user types next; killed again in one of three cases.
  void finish() {
    for (int kills = 0; kills < 2 && std::uniform_int_distribution<int>(0, 2)(random_) == 0; ++kills) {
      kill(next(), up_to(lasts_));
    }
    const Result result = workspace_.run(next());
    EXPECT_EQ(result.status, 0) << result.err;
    expect_same_run(killed(), unbroken_);
    for (const std::string& path : tree(workspace_.path() / "runs")) EXPECT_NE(path.front(), '.') << path;
  }

  Arguments next() const {
    if (fs::exists(killed())) {
      EXPECT_TRUE(fs::exists(killed() / "config.yaml") && fs::exists(killed() / "manifest.json"));
      return {"resume", "runs/killed"};
    }
    return train();
  }

  Workspace workspace_;
  fs::path unbroken_;
  microseconds lasts_{0};
  std::uint32_t seed_;
  std::mt19937 random_;
};

TEST_P(KilledRunTest, InTheFirstTenthOfASecondIsResumedBitIdentically) {
  kill(train(), up_to(microseconds(100000)));
  finish();
}

TEST_P(KilledRunTest, AtAnyMomentIsResumedBitIdentically) {
  kill(train(), up_to(lasts_));
  finish();
}

TEST_P(KilledRunTest, AsItsFolderAppearsIsResumedBitIdentically) {
  kill(
      train(), [this] { return fs::exists(workspace_.path() / "runs"); }, up_to(microseconds(4000)));
  finish();
}

TEST_P(KilledRunTest, NearACheckpointIsResumedBitIdentically) {
  const int step = 40 * std::uniform_int_distribution<int>(1, 4)(random_);
  const fs::path checkpoint =
      killed() / "checkpoints" / ("step-000000000" + std::to_string(1000 + step).substr(1) + ".ckpt");
  const auto written = [&] { return fs::exists(checkpoint) || fs::exists(checkpoint.string() + ".tmp"); };
  kill(train(), written, up_to(microseconds(3000)));
  finish();
}

TEST_P(KilledRunTest, AsItEndsIsResumedBitIdentically) {
  const int steps = static_cast<int>(read_lines(unbroken_ / "steps.jsonl").size());
  const fs::path checkpoint =
      killed() / "checkpoints" / ("step-000000000" + std::to_string(1000 + steps).substr(1) + ".ckpt");
  kill(
      train(), [&] { return fs::exists(checkpoint); }, up_to(microseconds(30000)));
  finish();
}

TEST_P(KilledRunTest, WhileItIsProlongedIsResumedBitIdentically) {
  Arguments half = train();
  half.push_back("run.steps=90");
  ASSERT_EQ(workspace_.run(half).status, 0);
  const std::size_t steps = read_lines(unbroken_ / "steps.jsonl").size();
  const Arguments longer{"resume", "runs/killed", "run.steps=" + std::to_string(steps)};
  kill(
      longer, [this] { return !fs::exists(killed() / "summary.json"); }, up_to(microseconds(1000)));
  kill(longer, up_to(lasts_));
  const Result result = workspace_.run(longer);
  EXPECT_EQ(result.status, 0) << result.err;
  expect_same_run(killed(), unbroken_);
}

INSTANTIATE_TEST_SUITE_P(, KilledRunTest, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace gradquake::end_to_end

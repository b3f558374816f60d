#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "gradquake/core/error.h"
#include "gradquake/hooks/ledger.h"
#include "training.h"

namespace gradquake::train {
namespace {

namespace fs = std::filesystem;

class TrainerResumeTest : public testing::Test {
 protected:
  ~TrainerResumeTest() override { fs::remove_all(folder_); }

  TrainingOptions options(std::int64_t steps) const {
    TrainingOptions result = options_of(steps);
    result.optimizer.spec.set("momentum", 0.9);
    result.checkpoint_interval = 7;
    result.checkpoint_keep = 100;
    result.checkpoint_folder = folder_;
    return result;
  }

  CheckpointSections checkpoint(std::int64_t step) const {
    std::string reason;
    const auto sections = read_checkpoint(checkpoint_path(folder_, step), &reason);
    EXPECT_TRUE(sections) << step << ": " << reason;
    return sections.value_or(CheckpointSections());
  }

  // Another process: fresh parts, whose generator stands elsewhere.
  std::unique_ptr<Training> resumed(const TrainingOptions& options, const SmallNetOptions& net,
                                    std::int64_t step) const {
    auto training = std::make_unique<Training>(options, net, rules());
    at::manual_seed(4321);
    training->trainer.restore(checkpoint(step));
    training->trainer.run();
    return training;
  }

  static std::vector<Rule> rules() {
    return {rule_at("fc1", Direction::kForward, 0.5, 2), rule_at("*", Direction::kBackward, 0.5, 3)};
  }

  const fs::path folder_ = [] {
    const fs::path path =
        fs::path(testing::TempDir()) /
        ("gradquake-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(path);
    return path;
  }();
  const SmallNetOptions net_{at::kFloat, 0.3, true, false};
};

TEST_F(TrainerResumeTest, EveryCheckpointContinuesTheRunBitForBit) {
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    TrainingOptions whole = options(30);
    if (kind != "sgd") whole.optimizer.spec = {kind, {{"learning_rate", 0.2}}};
    whole.optimizer.gradient_noise = 0.01;
    Training unbroken(whole, net_, rules());
    unbroken.run();
    const auto numbers = trained_numbers(unbroken.recorder.records);
    for (const std::int64_t step : {7, 14, 21, 28}) {
      const auto training = resumed(whole, net_, step);
      EXPECT_TRUE(same_bits(training->state(), unbroken.state())) << kind << " from " << step;
      const std::vector<std::pair<double, double>> rest(numbers.begin() + step, numbers.end());
      EXPECT_EQ(trained_numbers(training->recorder.records), rest) << kind << " from " << step;
      EXPECT_EQ(training->recorder.evaluations[0].loss, unbroken.recorder.evaluations[0].loss);
      EXPECT_EQ(training->recorder.end->final_loss, unbroken.recorder.end->final_loss);
    }
  }
}

TEST_F(TrainerResumeTest, ACallbackGetsBackTheStateItSaved) {
  Training(options(15), net_, rules()).run();
  EXPECT_EQ(resumed(options(15), net_, 7)->recorder.restored, "7 records");
}

TEST_F(TrainerResumeTest, TheLedgersCountersGoOnAcrossACheckpoint) {
  Rule silent = rule_at("fc2", Direction::kForward, 0);
  silent.may_be_idle = true;
  const std::vector<Rule> with_silent{silent};
  Training unbroken(options(9), net_, with_silent);
  unbroken.run();
  Training training(options(9), net_, with_silent);
  training.trainer.restore(checkpoint(7));
  training.trainer.run();
  ASSERT_EQ(unbroken.task.plan->ledger().warnings().size(), 1);
  ASSERT_EQ(training.task.plan->ledger().warnings().size(), 1);
  EXPECT_EQ(training.task.plan->ledger().warnings()[0].count, unbroken.task.plan->ledger().warnings()[0].count);
  EXPECT_EQ(training.task.plan->ledger().warnings()[0].count, 9);
}

TEST_F(TrainerResumeTest, AnInterruptionWritesACheckpointAndNeitherEvaluatesNorFinishes) {
  TrainingOptions stopping = options(30);
  int asked = 0;
  stopping.stop_requested = [&asked] { return ++asked == 11; };
  Training training(stopping, net_, rules());
  training.run();
  EXPECT_TRUE(training.recorder.end->interrupted);
  EXPECT_EQ(training.recorder.end->steps, 11);
  EXPECT_TRUE(training.recorder.evaluations.empty());
  Training unbroken(options(30), net_, rules());
  unbroken.run();
  EXPECT_TRUE(same_bits(resumed(options(30), net_, 11)->state(), unbroken.state()));
}

TEST_F(TrainerResumeTest, ARunKilledAfterItsLastCheckpointEndsAsItWould) {
  Training unbroken(options(10), net_, rules());
  unbroken.run();
  const auto training = resumed(options(10), net_, 10);
  EXPECT_TRUE(training->recorder.records.empty());
  EXPECT_EQ(training->recorder.end->final_loss, unbroken.recorder.end->final_loss);
  EXPECT_EQ(training->recorder.end->steps, 10);
  EXPECT_EQ(training->recorder.evaluations.size(), 1);
}

TEST_F(TrainerResumeTest, ARunStoppedAsNonFiniteStaysStopped) {
  const auto poison = [](Training& training) {
    training.net.poison = [&training](const at::Tensor& y) {
      return training.trainer.steps_made() == 4 ? y / at::zeros_like(y) : y;
    };
  };
  Training stopped(options(10), net_, rules());
  poison(stopped);
  stopped.run();
  ASSERT_EQ(stopped.recorder.end->steps, 5);
  const auto training = resumed(options(10), net_, 5);
  EXPECT_TRUE(training->recorder.records.empty());
  EXPECT_TRUE(training->recorder.end->stopped_nonfinite);
  EXPECT_FALSE(std::isfinite(training->recorder.end->final_loss));
  EXPECT_TRUE(same_bits(training->net.parameters(), stopped.net.parameters()));
}

TEST_F(TrainerResumeTest, SkippedStepsAreCountedAcrossACheckpoint) {
  TrainingOptions skipping = options(10);
  skipping.on_nonfinite = OnNonfinite::kSkip;
  Training unbroken(skipping, net_, rules());
  unbroken.net.poison = [](const at::Tensor& y) { return y / at::zeros_like(y); };
  unbroken.run();
  EXPECT_EQ(unbroken.recorder.end->skipped_steps, 10);
  EXPECT_EQ(resumed(skipping, net_, 7)->recorder.end->skipped_steps, 7);
}

TEST_F(TrainerResumeTest, AProlongedRunEqualsOneThatWasThatLongItsEvaluationsIncluded) {
  for (const std::int64_t interval : {5, 4}) {
    TrainingOptions shorter = options(10), longer = options(20);
    shorter.evaluate_interval = longer.evaluate_interval = interval;
    Training(shorter, net_, rules()).run();
    const auto prolonged = resumed(longer, net_, 10);
    Training unbroken(longer, net_, rules());
    unbroken.run();
    EXPECT_TRUE(same_bits(prolonged->state(), unbroken.state()));
    const auto after_10 = [](const std::vector<EvaluationRecord>& all) {
      std::vector<std::pair<std::int64_t, double>> kept;
      for (const EvaluationRecord& record : all) {
        if (record.step >= 10) kept.emplace_back(record.step, record.loss);
      }
      return kept;
    };
    EXPECT_EQ(after_10(prolonged->recorder.evaluations), after_10(unbroken.recorder.evaluations)) << interval;
  }
}

TEST_F(TrainerResumeTest, ACheckpointOfAnotherConfigIsRefusedAndNothingIsRestored) {
  Training(options(7), net_, rules()).run();
  TrainingOptions other = options(7);
  other.config_digest = "another run";
  Training training(other, net_, rules());
  const auto before = copies(training.state());
  EXPECT_THROW(training.trainer.restore(checkpoint(7)), UserError);
  EXPECT_TRUE(same_bits(training.state(), before));
  EXPECT_EQ(training.trainer.steps_made(), 0);
}

TEST_F(TrainerResumeTest, CheckpointsComeAtTheirIntervalAndAtTheEndAndOldOnesGo) {
  TrainingOptions some = options(30);
  some.checkpoint_keep = 2;
  Training(some, net_, rules()).run();
  EXPECT_EQ(list_checkpoints(folder_),
            (std::vector<fs::path>{checkpoint_path(folder_, 30), checkpoint_path(folder_, 28)}));
  some.checkpoint_interval = 0;
  some.steps = 31;
  Training(some, net_, rules()).run();
  EXPECT_EQ(list_checkpoints(folder_).front(), checkpoint_path(folder_, 31));
}

}  // namespace
}  // namespace gradquake::train

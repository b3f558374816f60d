// Runs that were killed, interrupted or made longer, against unbroken ones.
#include "gradquake/run/run.h"

#include <cmath>

#include "gradquake/core/error.h"
#include "run_fixture.h"

namespace gradquake::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

TEST_F(RunTest, AKilledRunGoesOnFromAnyCheckpointToTheSameBytes) {
  for (const std::string& text : {kSgd, kAdamCnn}) {
    const RunConfig c = config(text, "a");
    const RunFolder folder = made(c);
    const auto whole = outcome(folder);
    for (const std::int64_t step : {30, 28, 21, 14, 7}) {
      kill_after(folder, step);
      go_on(c, folder);
      EXPECT_EQ(result_.steps, 30);
      expect_same(outcome(folder), whole);
    }
  }
}

TEST_F(RunTest, AnInterruptedRunGoesOnToTheSameBytesWithSpikesOpen) {
  for (const std::string& text : {kSgd, kAdamCnn}) {
    const auto whole = outcome(made(text, "a"));
    const RunConfig c = config(text, "a");
    std::int64_t asked = 0;
    Options hooks;
    hooks.stop_requested = [&] { return ++asked == 12; };
    const RunFolder folder = made(c, hooks);
    EXPECT_TRUE(result_.interrupted);
    EXPECT_EQ(result_.steps, 12);
    EXPECT_FALSE(folder.finished());
    std::size_t detected = 0;
    for (const Json& step : lines_of(folder.file("steps.jsonl"))) detected += step["spike"].get<bool>() ? 1 : 0;
    EXPECT_GT(detected, lines_of(folder.file("spikes.jsonl")).size());
    go_on(c, folder);
    expect_same(outcome(folder), whole);
  }
}

TEST_F(RunTest, ADamagedCheckpointIsNamedAndTheOneBeforeIsUsed) {
  const RunConfig c = config(kSgd, "a");
  const RunFolder folder = made(c);
  const auto whole = outcome(folder);
  kill_after(folder, 14);
  const fs::path newest = train::checkpoint_path(folder.checkpoints(), 14);
  std::string bytes = text_of(newest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(newest, std::ios::binary) << bytes;
  go_on(c, folder);
  EXPECT_NE(log_.find("step-000000000014.ckpt is damaged (its checksum does not match); using the one before"),
            std::string::npos);
  EXPECT_NE(log_.find("resuming from " + train::checkpoint_path(folder.checkpoints(), 7).string()), std::string::npos);
  expect_same(outcome(folder), whole);
}

TEST_F(RunTest, WithoutAWholeCheckpointARunStartsAnewAtStep0) {
  const RunConfig c = config(kSgd, "a");
  const RunFolder folder = made(c);
  const auto whole = outcome(folder);
  kill_after(folder, 7);
  fs::resize_file(train::checkpoint_path(folder.checkpoints(), 7), 100);
  go_on(c, folder);
  EXPECT_NE(log_.find("no checkpoint: starting at step 0"), std::string::npos);
  expect_same(outcome(folder), whole);
}

TEST_F(RunTest, ACheckpointOfAnotherConfigIsRefusedAndNoRecordIsTouched) {
  const RunFolder folder = made(kSgd, "a");
  const RunFolder other = made(kSgd, "b", {"run.seed=2"});
  kill_after(folder, 7);
  fs::copy_file(train::checkpoint_path(other.checkpoints(), 21), train::checkpoint_path(folder.checkpoints(), 21));
  const std::string steps = text_of(folder.file("steps.jsonl"));
  EXPECT_THROW(go_on(config(kSgd, "a"), folder), UserError);
  EXPECT_EQ(text_of(folder.file("steps.jsonl")), steps);
}

TEST_F(RunTest, RecordsShorterThanTheCheckpointSaysAreRefused) {
  const RunFolder folder = made(kSgd, "a");
  kill_after(folder, 7);
  fs::resize_file(folder.file("steps.jsonl"), 10);
  EXPECT_THROW(go_on(config(kSgd, "a"), folder), UserError);
}

TEST_F(RunTest, AProlongedRunEqualsOneThatWasThatLong) {
  for (const std::string& text : {kSgd, kAdamCnn}) {
    const auto whole = outcome(made(text, "a"));
    for (const std::string shorter : {"run.steps=20", "run.steps=14"}) {
      const RunFolder folder = made(text, "a", {shorter});
      go_on(config(text, "a"), folder);
      expect_same(outcome(folder), whole);
    }
  }
}

TEST_F(RunTest, ARunOfEpochsIsProlongedBySteps) {
  const auto whole = outcome(made(kAdamCnn, "a", {"run.steps=20"}));
  const RunFolder folder = made(kAdamCnn, "a", {"run.epochs=2"});
  EXPECT_EQ(result_.steps, 12);
  go_on(config(kAdamCnn, "a", {"run.steps=20"}), folder);
  expect_same(outcome(folder), whole);
}

}  // namespace
}  // namespace gradquake::run

#include "gradquake/run/run.h"

#include <cmath>

#include "gradquake/core/error.h"
#include "run_fixture.h"

namespace gradquake::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Overrides = std::vector<std::string>;

TEST_F(RunTest, ARunWritesTheRecordsThatScriptsRelyOn) {
  std::int64_t progress = 0;
  Options hooks;
  hooks.progress = [&](const Progress& p) { EXPECT_EQ(p.step, ++progress); };
  const RunFolder folder = made(config(kSgd, "a"), hooks);
  EXPECT_EQ(progress, 30);
  EXPECT_TRUE(folder.finished());
  const auto keys = [](const Json& json) {
    std::vector<std::string> names;
    for (const auto& item : json.items()) names.push_back(item.key());
    std::sort(names.begin(), names.end());
    return names;
  };
  using Names = std::vector<std::string>;
  const auto steps = lines_of(folder.file("steps.jsonl"));
  ASSERT_EQ(steps.size(), 30);
  EXPECT_EQ(keys(steps[0]), (Names{"clean_grad_norm", "clean_loss", "epoch", "finite", "grad_error", "grad_norm",
                                   "injections", "learning_rate", "loss", "spike", "step"}));
  const auto ledger = lines_of(folder.file("ledger.jsonl"));
  std::int64_t injections = 0;
  for (const Json& step : steps) injections += step["injections"].get<std::int64_t>();
  EXPECT_EQ(injections, 5 + 3);
  EXPECT_EQ(ledger.size(), 8);
  EXPECT_EQ(keys(ledger[0]),
            (Names{"direction", "elements", "norm", "occurrence", "relative_norm", "rule", "site", "step"}));
  const auto evaluations = lines_of(folder.file("evaluations.jsonl"));
  ASSERT_EQ(evaluations.size(), 6);
  EXPECT_EQ(evaluations[5]["step"], 30);
  const auto spikes = lines_of(folder.file("spikes.jsonl"));
  ASSERT_FALSE(spikes.empty());
  const Json summary = Json::parse(text_of(folder.file("summary.json")));
  EXPECT_EQ(summary["spikes"], spikes.size());
  EXPECT_EQ(summary["eval"]["accuracy"], evaluations[5]["accuracy"]);
  EXPECT_EQ(summary["final_loss"], steps[29]["loss"]);
  EXPECT_EQ(summary["warnings"], 0);
}

TEST_F(RunTest, TheFirstSpikeOfAnEpisodeAloneIsMeasured) {
  const RunFolder folder = made(kSgd, "a");
  std::map<std::int64_t, int> measured;
  for (const Json& spike : lines_of(folder.file("spikes.jsonl"))) {
    measured[spike["episode"].get<std::int64_t>()] += spike["curvature"].is_null() ? 0 : 1;
  }
  for (const auto& [episode, count] : measured) EXPECT_EQ(count, 1) << episode;
  const RunFolder quiet = made(kSgd, "b", {"monitor.curvature.on_spike=none"});
  EXPECT_EQ(lines_of(quiet.file("curvature.jsonl")).size(), 2);
}

TEST_F(RunTest, APlanThatNeverFiresLeavesEveryByteAsWithoutAPlan) {
  for (const std::string& text : {kSgd, kAdamCnn}) {
    const auto none = outcome(made(text, "none", {"perturbations=[]"}));
    const auto quiet = outcome(made(
        text, "quiet", {"perturbations=[{sites: '*', direction: both, may_be_idle: true, schedule: {from: 1000}}]"}));
    for (const char* file :
         {"steps.jsonl", "evaluations.jsonl", "curvature.jsonl", "spikes.jsonl", "weights.safetensors"}) {
      EXPECT_TRUE(quiet.at(file) == none.at(file)) << file;
    }
    EXPECT_EQ(quiet.at("ledger.jsonl"), "");
  }
}

TEST_F(RunTest, TheShadowChangesNoBitOfWeightsAndLosses) {
  for (const std::string& text : {kSgd, kAdamCnn}) {
    const RunFolder every = made(text, "every"), third = made(text, "third", {"monitor.shadow.interval=3"}),
                    off = made(text, "off", {"monitor.shadow.interval=0"});
    const auto trained = [](const RunFolder& folder) {
      std::string text_kept;
      for (const Json& step : lines_of(folder.file("steps.jsonl"))) {
        text_kept += step["loss"].dump() + ' ' + step["grad_norm"].dump() + '\n';
      }
      return text_kept + text_of(folder.file("weights.safetensors"));
    };
    EXPECT_TRUE(trained(every) == trained(off));
    EXPECT_TRUE(trained(third) == trained(off));
  }
}

TEST_F(RunTest, CurvatureIsMeasuredWithTheRulesOff) {
  const std::string loud = "perturbations=[{sites: '*', direction: both, kind: constant, scale: 50}]";
  const Overrides at_start{"monitor.curvature.at=[0]", "monitor.curvature.on_spike=none", "run.steps=2"};
  for (const std::string& text : {kSgd, kAdamCnn}) {
    Overrides with = at_start, without = at_start;
    with.push_back(loud);
    without.push_back("perturbations=[]");
    const std::string measured = text_of(made(text, "a", with).file("curvature.jsonl"));
    EXPECT_EQ(measured, text_of(made(text, "b", without).file("curvature.jsonl")));
    EXPECT_NE(measured, "");
  }
}

TEST_F(RunTest, MeasuringCurvatureChangesNoBitOfTheTraining) {
  const RunFolder often = made(kAdamCnn, "a", {"monitor.curvature.at={interval: 3}"});
  const RunFolder never = made(kAdamCnn, "b", {"monitor.curvature.at=[]", "monitor.curvature.on_spike=none"});
  EXPECT_TRUE(text_of(often.file("steps.jsonl")) == text_of(never.file("steps.jsonl")));
  EXPECT_TRUE(text_of(often.file("weights.safetensors")) == text_of(never.file("weights.safetensors")));
  EXPECT_GE(lines_of(often.file("curvature.jsonl")).size(), 10);
}

TEST_F(RunTest, ANonFiniteStepEndsARunAsAResultWithNullsInItsRecords) {
  const RunFolder folder = made(kSgd, "a", {"optimizer.learning_rate=1e30"});
  const auto steps = lines_of(folder.file("steps.jsonl"));
  ASSERT_LT(steps.size(), 30);
  EXPECT_FALSE(steps.back()["finite"].get<bool>());
  EXPECT_TRUE(steps.back()["grad_norm"].is_null() || steps.back()["loss"].is_null());
  EXPECT_EQ(result_.summary.verdict, "diverged");
  const auto spikes = lines_of(folder.file("spikes.jsonl"));
  ASSERT_FALSE(spikes.empty());
  EXPECT_EQ(spikes.back()["detector"], "nonfinite");
  EXPECT_EQ(spikes.back()["verdict"], "diverged");
  EXPECT_TRUE(folder.finished());

  const auto whole = outcome(folder);
  const auto newest = static_cast<std::int64_t>(steps.size());
  kill_after(folder, newest);
  go_on(config(kSgd, "a", {"optimizer.learning_rate=1e30"}), folder);
  expect_same(outcome(folder), whole);
}

TEST_F(RunTest, ASkippingRunGoesThroughAllItsSteps) {
  const RunFolder folder = made(kSgd, "a", {"optimizer.learning_rate=1e30", "run.on_nonfinite=skip"});
  const auto steps = lines_of(folder.file("steps.jsonl"));
  ASSERT_EQ(steps.size(), 30);
  EXPECT_FALSE(steps.back()["finite"].get<bool>());
  EXPECT_EQ(result_.steps, 30);
  const Json summary = Json::parse(text_of(folder.file("summary.json")));
  std::int64_t skipped = 0;
  for (const Json& step : steps) skipped += step["finite"].get<bool>() ? 0 : 1;
  EXPECT_EQ(summary["skipped_steps"], skipped);
  EXPECT_EQ(summary["warnings"], summary["warning_messages"].size());
  EXPECT_NE(summary["warning_messages"].dump().find(" steps were skipped"), std::string::npos) << summary;
}

TEST_F(RunTest, ARunThatSkippedEveryStepIsDiverged) {
  const std::string every = "perturbations=[{sites: '*', direction: forward, kind: constant, scale: 1e38}]";
  const RunConfig c = config(kSgd, "a", {every, "run.on_nonfinite=skip", "model.dropout=0"});
  const RunFolder folder = made(c);
  for (const Json& step : lines_of(folder.file("steps.jsonl"))) ASSERT_FALSE(step["finite"].get<bool>());
  EXPECT_EQ(result_.summary.verdict, "diverged");
  EXPECT_EQ(result_.summary.skipped_steps, 30);
  const auto whole = outcome(folder);
  kill_after(folder, 14);
  go_on(c, folder);
  expect_same(outcome(folder), whole);
}

TEST_F(RunTest, MicroBatchesGiveTheSameInjectionsAndNearlyTheSameLosses) {
  const Overrides float64{"run.dtype=float64", "model.dropout=0", "data.batch_size=60"};
  Overrides split = float64;
  split.push_back("data.micro_batch=16");
  const RunFolder whole = made(kSgd, "a", float64), micro = made(kSgd, "b", split);
  const auto expected = lines_of(whole.file("steps.jsonl")), got = lines_of(micro.file("steps.jsonl"));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(got[i]["loss"].get<double>(), expected[i]["loss"].get<double>(), 1e-9);
    EXPECT_NEAR(got[i]["clean_grad_norm"].get<double>(), expected[i]["clean_grad_norm"].get<double>(), 1e-9);
  }
  EXPECT_EQ(lines_of(micro.file("ledger.jsonl")).size(), 4 * lines_of(whole.file("ledger.jsonl")).size());
}

TEST_F(RunTest, AProgramOfItsOwnHasTheWholeOfARunAndGoesOnWhereItWasKilled) {
  const RunConfig c = config(kSgd, "a");
  const auto whole = outcome(made(c));
  const auto own = [&](const std::function<bool()>& stop) {
    train::Task task = assemble(c);
    Options options = run_options(c);
    options.stop_requested = stop;
    return run_in(out_ / "own", task, options);
  };
  std::int64_t asked = 0;
  EXPECT_TRUE(own([&] { return ++asked == 12; }).interrupted);
  const RunResult ended = own({});
  EXPECT_EQ(ended.steps, 30);
  const RunFolder folder{out_ / "own"};
  expect_same(outcome(folder), whole);
  const RunResult again = own([]() -> bool { throw std::logic_error("a finished run is not trained again"); });
  EXPECT_EQ(report::summary_text(again.summary), text_of(folder.file("summary.json")));
  EXPECT_EQ(again.spikes.size(), ended.spikes.size());
  EXPECT_EQ(again.steps, 30);
  EXPECT_THROW(open_run_folder(folder.path), UserError) << "no config describes it";
}

TEST_F(RunTest, TheLedgerInTotalsAddsUpToTheFullOne) {
  const std::string often = "perturbations.0.schedule.interval=2";
  const auto full = lines_of(made(kSgd, "full", {often}).file("ledger.jsonl"));
  const RunConfig c = config(kSgd, "totals", {often, "ledger={detail: totals, interval: 8}"});
  const RunFolder folder = made(c);
  const auto totals = lines_of(folder.file("ledger.jsonl"));
  ASSERT_LT(totals.size(), full.size());
  double squares = 0, total_squares = 0;
  std::int64_t injections = 0;
  for (const Json& line : full) squares += std::pow(line["norm"].get<double>(), 2);
  for (const Json& line : totals) {
    EXPECT_EQ(line["from"].get<std::int64_t>() % 8, 0);
    EXPECT_EQ(line["until"], std::min<std::int64_t>(line["from"].get<std::int64_t>() + 8, 30));
    injections += line["injections"].get<std::int64_t>();
    total_squares += std::pow(line["norm"].get<double>(), 2);
  }
  EXPECT_EQ(injections, full.size());
  EXPECT_NEAR(total_squares, squares, 1e-9 * squares);

  const auto whole = outcome(folder);
  for (const std::int64_t step : {30, 14}) {
    kill_after(folder, step);
    go_on(c, folder);
    expect_same(outcome(folder), whole);
  }
}

TEST_F(RunTest, ALedgerOfAGigabyteIsForeseenAndKeptInTotals) {
  const std::string long_run = "run.steps=10000000", every = "perturbations.0.schedule.interval=1";
  train::Task task = assemble(config(kSgd, "a", {long_run, every}));
  EXPECT_GE(foreseen_ledger_bytes(task), kLedgerLimit);
  EXPECT_LT(foreseen_ledger_bytes(assemble(config(kSgd, "b"))), 2000);

  std::string log;
  Options options = run_options(config(kSgd, "a", {long_run, every}));
  options.log = [&](const std::string& line) { log += line + "\n"; };
  options.stop_requested = [] { return true; };
  run_in(out_ / "a", task, options);
  EXPECT_NE(log.find("it holds totals of every 100 steps"), std::string::npos) << log;
  EXPECT_EQ(text_of(out_ / "a" / "ledger.jsonl"), "") << "the first total is due at step 100";
}

}  // namespace
}  // namespace gradquake::run

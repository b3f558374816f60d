#include "gradquake/run/run_callbacks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "gradquake/core/error.h"
#include "gradquake/model/model.h"
#include "gradquake/run/callback_registry.h"
#include "gradquake/run/files_callback.h"
#include "gradquake/run/run.h"
#include "gradquake/run/screen_callback.h"
#include "run_files.h"
#include "tiny_images.h"

namespace gradquake::run {
namespace {

namespace fs = std::filesystem;

const std::string kSmall =
    "run: {steps: 30, threads: 1}\n"
    "evaluate: {interval: 10}\n"
    "model: {kind: mlp, widths: [64, 8, 10]}\n"
    "monitor: {curvature: {at: [0], limit: 4, probe: 32}, spikes: {robust_score: 1000}, recovery: {hold: 3}}\n"
    "perturbations: [{label: f, sites: layers.0, scale: 30, schedule: {kind: once, step: 12}}]\n";

// Writes down what it is told.
struct Listener : Callback {
  std::vector<std::string> heard;
  std::string state;
  void on_start(const RunStart& start) override { heard.push_back(start.resumed ? "goes on" : "starts"); }
  void on_step(const RunStep& step) override { steps += step.record.step >= 0 ? 1 : 0; }
  void on_spike(const SpikeRecord& spike, bool opens_episode) override {
    heard.push_back("spike " + std::to_string(spike.step) + (opens_episode ? " opens" : ""));
    curvature_seen = spike.curvature.has_value();
    predicted_by = spike.predicted.equation;
  }
  void on_closed(const std::vector<SpikeRecord>& spikes) override {
    heard.push_back(std::to_string(spikes.size()) + " " + spikes.front().verdict);
  }
  void on_evaluation(const EvaluationRecord& record, const train::Task& task) override {
    heard.push_back("evaluation " + std::to_string(record.step));
    parameters = task.model->parameters().size();
  }
  void on_finish(const train::RunEnd& end) override { heard.push_back("end " + std::to_string(end.steps)); }
  std::string save() override { return "kept"; }
  void restore(const std::string& saved) override { state = saved; }

  int steps = 0;
  std::size_t parameters = 0;
  bool curvature_seen = false;
  std::string predicted_by;
};

StepRecord step_at(std::int64_t step, double error) {
  StepRecord record;
  record.step = step;
  record.loss = 1;
  record.grad_norm = 1 + error;
  record.clean_loss = 1;
  record.clean_grad_norm = 1;
  record.grad_error = error;
  return record;
}

class RunCallbacksTest : public testing::Test {
 protected:
  RunCallbacksTest() { register_tiny_images(); }
  ~RunCallbacksTest() override { fs::remove_all(out_); }

  RunConfig config(const std::string& name) const {
    return read_run_config(
        config::Document::parse(kSmall, "t.yaml", {"run.name=" + name, "run.out='" + out_.string() + "'"}));
  }

  // Steps as the loop would make them, without training.
  static void drive(RunCallbacks& jobs, const std::vector<StepRecord>& records) {
    const std::vector<at::Tensor> none;
    jobs.on_start({"run", static_cast<std::int64_t>(records.size()), 1, {}});
    for (const StepRecord& record : records) jobs.before_update(record, {none, none, none});
    jobs.on_finish({.steps = static_cast<std::int64_t>(records.size())});
  }

  const fs::path out_ = fs::path(testing::TempDir()) / ("gradquake-" + std::to_string(getpid()) + "-" +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(RunCallbacksTest, ACallbackHearsSpikesEvaluationsAndTheEndInOrder) {
  const RunConfig c = config("a");
  train::Task task = assemble(c);
  Options options = run_options(c);
  const auto listener = std::make_shared<Listener>();
  options.callbacks = {{"listener", listener}};
  run(task, options, create_run_folder(c, false));
  const std::vector<std::string> expected = {"starts",        "evaluation 10", "spike 12 opens", "1 recovered",
                                             "evaluation 20", "evaluation 30", "end 30"};
  std::vector<std::string> heard = listener->heard;
  std::sort(heard.begin(), heard.end());
  std::vector<std::string> sorted = expected;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(heard, sorted);
  EXPECT_EQ(listener->heard.front(), "starts");
  EXPECT_EQ(listener->heard.back(), "end 30");
  EXPECT_EQ(listener->steps, 30);
  EXPECT_EQ(listener->parameters, task.model->parameters().size());
  EXPECT_TRUE(listener->curvature_seen);
  EXPECT_NE(listener->predicted_by, "");
}

TEST_F(RunCallbacksTest, EachJobCanBeLeftOut) {
  const RunConfig c = config("a");
  const train::Task task = assemble(c);
  const RunFolder folder = create_run_folder(c, false);
  std::vector<StepRecord> records;
  for (std::int64_t t = 0; t < 10; ++t) records.push_back(step_at(t, t == 4 ? 3 : 0));

  RunCallbacks bare(task, folder);
  drive(bare, records);
  EXPECT_EQ(bare.verdict().spikes, 0);
  EXPECT_FALSE(fs::exists(folder.file("steps.jsonl")));

  RunCallbacks files_alone(task, folder);
  files_alone.add("files", std::make_shared<FilesCallback>());
  drive(files_alone, records);
  EXPECT_EQ(lines_of(folder.file("steps.jsonl")).size(), 10u);
  EXPECT_EQ(text_of(folder.file("spikes.jsonl")), "");

  RunCallbacks watched(task, folder);
  watched.watch_spikes(c.monitor);
  watched.add("files", std::make_shared<FilesCallback>());
  drive(watched, records);
  const auto spikes = lines_of(folder.file("spikes.jsonl"));
  ASSERT_EQ(spikes.size(), 1u);
  EXPECT_TRUE(spikes[0]["curvature"].is_null());
  EXPECT_TRUE(spikes[0]["predicted"]["equation"].is_null());
  EXPECT_EQ(text_of(folder.file("curvature.jsonl")), "");
  EXPECT_EQ(text_of(folder.file("predictions.jsonl")), "");
}

TEST_F(RunCallbacksTest, TheScreenAloneSaysWhatTheMonitorFound) {
  const RunConfig c = config("a");
  const train::Task task = assemble(c);
  const RunFolder folder = create_run_folder(c, false);
  std::vector<std::string> log;
  std::int64_t shown = 0;
  RunCallbacks jobs(task, folder);
  jobs.watch_spikes(c.monitor);
  jobs.add("screen", std::make_shared<ScreenCallback>([&](const std::string& line) { log.push_back(line); },
                                                      [&](const Progress& progress) { shown = progress.spikes; }));
  drive(jobs, {step_at(0, 0), step_at(1, 0), step_at(2, 5), step_at(3, 0)});
  ASSERT_FALSE(log.empty());
  EXPECT_NE(log.front().find("step 2"), std::string::npos) << log.front();
  EXPECT_EQ(shown, 1);
}

TEST_F(RunCallbacksTest, ACheckpointKeepsTheStateOfEachCallbackByItsName) {
  const RunConfig c = config("a");
  const train::Task task = assemble(c);
  const RunFolder folder = create_run_folder(c, false);
  RunCallbacks first(task, folder);
  first.watch_spikes(c.monitor);
  first.add("one", std::make_shared<Listener>());
  drive(first, {step_at(0, 0)});
  const std::string state = first.save();

  const auto again = std::make_shared<Listener>();
  RunCallbacks second(task, folder);
  second.watch_spikes(c.monitor);
  second.add("one", again);
  second.restore(state);
  second.on_start({"run", 2, 1, {}});
  EXPECT_EQ(again->state, "kept");
  EXPECT_EQ(again->heard.front(), "goes on");

  RunCallbacks other(task, folder);
  other.watch_spikes(c.monitor);
  other.add("another", std::make_shared<Listener>());
  other.restore(state);
  EXPECT_THROW(other.on_start({"run", 2, 1, {}}), UserError);
  EXPECT_THROW(other.add("another", std::make_shared<Listener>()), UserError);
}

TEST_F(RunCallbacksTest, WhatACallbackThrowsIsNamedAsItsMistake) {
  struct Faulty : Callback {
    void on_step(const RunStep&) override { throw std::runtime_error("out of luck\nat 0x123"); }
  };
  const RunConfig c = config("a");
  train::Task task = assemble(c);
  Options options = run_options(c);
  options.callbacks = {{"lucky", std::make_shared<Faulty>()}};
  try {
    run(task, options, create_run_folder(c, false));
    FAIL();
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what()).rfind("[run] callback 'lucky': out of luck", 0), 0u) << error.what();
  }
}

std::shared_ptr<Listener> last_made;

void register_listener() {
  static const bool once = [] {
    callbacks().add({"listener", "writes down what it is told", {Parameter::text("greeting", "said first")}},
                    [](const KindSpec& spec) {
                      last_made = std::make_shared<Listener>();
                      last_made->heard.push_back(spec.text("greeting"));
                      return last_made;
                    });
    callbacks().add({"broken", "throws", {}},
                    [](const KindSpec&) -> std::shared_ptr<Callback> { throw std::runtime_error("no such port"); });
    return true;
  }();
  (void)once;
}

TEST_F(RunCallbacksTest, ARegisteredCallbackIsSwitchedOnInTheConfig) {
  register_listener();
  const RunConfig c = read_run_config(config::Document::parse(
      kSmall + "callbacks: [{kind: listener, greeting: hello}]\n", "t.yaml", {"run.out='" + out_.string() + "'"}));
  train::Task task = assemble(c);
  run(task, run_options(c), create_run_folder(c, false));
  ASSERT_TRUE(last_made);
  EXPECT_EQ(last_made->heard.front(), "hello");
  EXPECT_EQ(last_made->heard.back(), "end 30");
  EXPECT_NE(c.resolved.find("greeting: hello"), std::string::npos);
}

TEST_F(RunCallbacksTest, MistakesInAConfigsCallbacksAreNamedWithTheirPlace) {
  register_listener();
  const auto mistake = [](const std::string& list) -> std::string {
    try {
      run_options(read_run_config(config::Document::parse(kSmall + "callbacks: " + list + "\n", "t.yaml", {})));
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(mistake("[{kind: listner, greeting: x}]").find("nearest: listener"), std::string::npos);
  EXPECT_NE(mistake("[{kind: listener}]").find("greeting"), std::string::npos);
  EXPECT_NE(mistake("[{kind: broken}]").find("callbacks.0.kind: the callback 'broken' threw: no such port"),
            std::string::npos)
      << mistake("[{kind: broken}]");
}

}  // namespace
}  // namespace gradquake::run

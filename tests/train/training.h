// A trainer with its parts, and a callback that keeps all it is told.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/train/trainer.h"
#include "small_net.h"

namespace gradquake::train {

class Recorder : public Callback {
 public:
  void on_start(const RunInfo& info) override { run = info; }
  void before_update(const StepRecord& record, const StepView& view) override {
    records.push_back(record);
    if (on_step) on_step(record, view);
  }
  void on_evaluation(const EvaluationRecord& record) override { evaluations.push_back(record); }
  void on_finish(const RunEnd& finish) override { end = finish; }
  std::string save() override { return std::to_string(records.size()) + " records"; }
  void restore(const std::string& text) override { restored = text; }

  RunInfo run;
  std::vector<StepRecord> records;
  std::vector<EvaluationRecord> evaluations;
  std::optional<RunEnd> end;
  std::string restored;
  std::function<void(const StepRecord&, const StepView&)> on_step;
};

struct TrainingOptions : TrainerOptions {
  std::uint64_t seed = 1;
  std::int64_t steps = 2000, batch_size = 8;
  RegularizerConfig regularizer;
  OptimizerConfig optimizer;
};

inline Task task_of(SmallNet& net, const TrainingOptions& options, std::vector<Rule> rules, data::DataSplits data) {
  Task task = task_of(net, std::move(rules));
  task.data = std::move(data);
  task.seed = options.seed;
  task.steps = options.steps;
  task.batch_size = options.batch_size;
  task.regularizer = options.regularizer;
  task.optimizer = options.optimizer;
  return task;
}

// 40 samples in batches of 8: 5 steps an epoch.
inline TrainingOptions options_of(std::int64_t steps) {
  TrainingOptions options;
  options.steps = steps;
  options.optimizer.spec.set("learning_rate", 0.2);
  options.config_digest = "this run";
  return options;
}

struct Training {
  Training(const TrainingOptions& options, const SmallNetOptions& net_options, std::vector<Rule> rules)
      : net(net_options),
        task(task_of(net, options, std::move(rules), random_splits(40, net_options.dtype))),
        trainer(options, task, {&recorder}) {}
  const Training& run() {
    at::manual_seed(77);
    trainer.run();
    return *this;
  }
  std::vector<at::Tensor> state() const {
    std::vector<at::Tensor> all = net.parameters();
    for (const at::Tensor& buffer : net.buffers()) all.push_back(buffer);
    return all;
  }

  SmallNet net;
  Task task;
  Recorder recorder;
  Trainer trainer;
};

// What training itself decided: the numbers that no shadow may touch.
inline std::vector<std::pair<double, double>> trained_numbers(const std::vector<StepRecord>& records) {
  std::vector<std::pair<double, double>> numbers;
  for (const StepRecord& record : records) numbers.emplace_back(record.loss, record.grad_norm);
  return numbers;
}

}  // namespace gradquake::train

// What the trainer costs over a bare LibTorch loop, records on; and what the shadow costs over the same perturbed step
// without it. Evaluations, checkpoints and curvature are left out: they are not due at every step.
#include <ATen/ATen.h>
#include <torch/optim/sgd.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/data/tensor_dataset.h"
#include "gradquake/monitor/monitor.h"
#include "gradquake/report/json_lines.h"
#include "gradquake/report/record_json.h"
#include "gradquake/train/trainer.h"
#include "measure.h"
#include "networks.h"
#include "rows.h"

namespace gradquake::bench {
namespace {

constexpr std::int64_t kSamples = 1024, kEndless = std::int64_t{1} << 40;
constexpr int kWarmUps = 4;  // steps; even, so that a shadow is due at the first one timed
constexpr double kLearningRate = 0.01;

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / ("gradquake-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// What one writes without the library: a fresh batch, forward, the loss read, backward, SGD.
class BareLoop {
 public:
  explicit BareLoop(const std::string& name)
      : network_(make_network(name, false)),
        optimizer_(network_->parameters(), torch::optim::SGDOptions(kLearningRate)),
        samples_(make_samples(name, kSamples)),
        batches_(at::randperm(kSamples, at::kLong).split(batch_size(name))) {}

  void step() {
    const at::Tensor& rows = batches_[next_++ % batches_.size()];
    const at::Tensor output = network_->forward(samples_.input.index_select(0, rows));
    const at::Tensor loss = at::cross_entropy_loss(output, samples_.target.index_select(0, rows));
    benchmark::DoNotOptimize(loss.item<double>());
    optimizer_.zero_grad();
    loss.backward();
    optimizer_.step();
  }

 private:
  std::shared_ptr<model::Model> network_;
  torch::optim::SGD optimizer_;
  Samples samples_;
  std::vector<at::Tensor> batches_;
  std::size_t next_ = 0;
};

// The monitor and the record files of a run of the program.
class Recorder : public train::Callback {
 public:
  explicit Recorder(const std::filesystem::path& folder)
      : steps_(folder / "steps.jsonl"), spikes_(folder / "spikes.jsonl"), ledger_(folder / "ledger.jsonl") {}

  void on_start(const RunInfo& info) override { monitor_.emplace(monitor::MonitorConfig{}, info.layers); }

  void before_update(const StepRecord& record, const train::StepView&) override {
    const monitor::Monitor::Outcome outcome = monitor_->observe(record);
    for (const SpikeRecord& spike : outcome.closed) spikes_.write(report::to_line(spike));
    for (const InjectionRecord& injection : record.injections) ledger_.write(report::to_line(injection));
    steps_.write(report::to_line(report::step_line(record, outcome.spike.has_value())));
  }

 private:
  std::optional<monitor::Monitor> monitor_;
  report::JsonLines steps_, spikes_, ledger_;
};

// Trains until after_step, called between steps, says to stop.
void train_until(const std::string& name, Direction direction, std::int64_t rule_interval, std::int64_t shadow_interval,
                 std::function<bool()> after_step) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path());
  const Samples samples = make_samples(name, kSamples);
  const auto dataset =
      std::make_shared<data::TensorDataset>(samples.input, samples.target, 10, samples.input.scalar_type());
  const auto network = make_network(name, true);
  const Rule rule{.label = "noise",
                  .sites = "*",
                  .direction = direction,
                  .perturbation = {"gaussian", {{"scale", 0.01}}},
                  .schedule = {"every", {{"interval", rule_interval}}}};
  train::Task task;
  task.model = network;
  task.forward = [network](const data::Batch& batch) { return network->forward(batch.input()); };
  task.data = {dataset, dataset};
  task.objective = train::make_objective("cross_entropy");
  task.plan = std::make_unique<Plan>(std::vector<Rule>{rule}, PlanOptions{.seed = 1, .run_steps = kEndless});
  task.steps = kEndless;
  task.batch_size = batch_size(name);
  task.optimizer.spec.set("learning_rate", kLearningRate);

  train::TrainerOptions options;
  options.shadow_interval = shadow_interval;
  options.stop_requested = std::move(after_step);
  train::Trainer(options, task, {&recorder}).run();
}

void bare_loop(benchmark::State& state, const std::string& name) {
  BareLoop reference(name), other(name);
  compare(
      state, [&] { reference.step(); }, [&] { other.step(); });
}

void trainer(benchmark::State& state, const std::string& name) {
  BareLoop bare(name);
  Pairs pairs;
  int step = 0;
  double start = 0;
  const auto after_step = [&] {
    const double now = cpu_time_s();
    const bool timed = ++step > kWarmUps;
    if (timed) {
      state.PauseTiming();
      pairs.variant.push_back(now - start);
    }
    const double begin = cpu_time_s();
    bare.step();
    if (timed) {
      pairs.reference.push_back(cpu_time_s() - begin);
      state.ResumeTiming();
    }
    const bool stop = step >= kWarmUps && !state.KeepRunning();
    start = cpu_time_s();
    return stop;
  };
  train_until(name, Direction::kBoth, 100, 0, after_step);
  report_ratio(state, pairs);
}

// A shadow at every second step: each pair is a step with it and the next one without.
void shadow(benchmark::State& state, const std::string& name, Direction direction) {
  Pairs pairs;
  int step = 0;
  double start = 0;
  const auto after_step = [&] {
    const double elapsed = cpu_time_s() - start;
    const bool with_shadow = step++ % 2 == 0;
    if (step > kWarmUps) {
      (with_shadow ? pairs.variant : pairs.reference).push_back(elapsed);
      with_shadow ? state.PauseTiming() : state.ResumeTiming();
    }
    const bool pair_done = step >= kWarmUps && step % 2 == 0;
    const bool stop = pair_done && !state.KeepRunning();
    start = cpu_time_s();
    return stop;
  };
  train_until(name, direction, 1, 2, after_step);
  report_ratio(state, pairs);
}

}  // namespace

void register_trainer_rows() {
  for (const std::string name : kNetworks) {
    benchmark::RegisterBenchmark((name + "/bare_loop").c_str(), bare_loop, name);
    benchmark::RegisterBenchmark((name + "/trainer").c_str(), trainer, name);
    benchmark::RegisterBenchmark((name + "/shadow_forward").c_str(), shadow, name, Direction::kBoth);
    benchmark::RegisterBenchmark((name + "/shadow_backward_only").c_str(), shadow, name, Direction::kBackward);
  }
}

}  // namespace gradquake::bench

// What taps cost: idle, and with Gaussian noise of both directions at every site of a training step.
#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/exported/exported_model.h"
#include "gradquake/model/operator_sites.h"
#include "gradquake/model/trained_parameters.h"
#include "measure.h"
#include "networks.h"
#include "rows.h"

namespace gradquake::bench {
namespace {

void idle_tap(benchmark::State& state) {
  at::Tensor x = at::zeros({8, 8});
  for (auto _ : state) {
    x = tap("fc1", std::move(x));
    benchmark::DoNotOptimize(x);
  }
}

// A network and its batch; step() is forward, backward and plain SGD.
class Training {
 public:
  Training(const std::string& name, bool tapped) : Training(name, make_network(name, tapped)) {}
  Training(const std::string& name, const model::Network& network)
      : network_(network),
        parameters_(model::trained_parameters(*network_.module).tensors),
        batch_(make_samples(name, batch_size(name))) {}

  void step() {
    at::cross_entropy_loss(network_.forward({batch_.input, batch_.target}), batch_.target).backward();
    const at::NoGradGuard no_grad;
    for (at::Tensor& w : parameters_) {
      w.sub_(w.grad(), 0.01);
      w.mutable_grad().reset();
    }
  }

  std::int64_t rows() const { return batch_.target.size(0); }

 private:
  model::Network network_;
  std::vector<at::Tensor> parameters_;
  Samples batch_;
};

void untapped_or_idle(benchmark::State& state, const std::string& name, bool tapped) {
  Training clean(name, false), other(name, tapped);
  compare(
      state, [&] { clean.step(); }, [&] { other.step(); });
}

// Operator mode under a plan whose only rule never fires.
void operators_idle(benchmark::State& state, const std::string& name) {
  Training clean(name, false), other(name, model::with_operator_sites(make_network(name, false)));
  Plan plan({{.label = "never", .sites = "*", .schedule = {"once", {{"step", 1'000'000'000}}}}}, {.seed = 1});
  StepContext context{.rows = other.rows(), .loss_divisor = 1};
  const auto step = [&] {
    const PlanScope scope(plan, context);
    other.step();
    ++context.step;
  };
  compare(
      state, [&] { clean.step(); }, step);
}

// The same network out of a .pt2, which scripts/bench has Python write (networks.py).
std::shared_ptr<model::Model> load_exported(const std::string& name) {
  return std::make_shared<model::exported::ExportedModel>(std::string(GRADQUAKE_BENCH_NETWORKS) + "/" + name + ".pt2",
                                                          model::exported::DropoutMasks::kAddressed,
                                                          model::exported::Wiring{});
}

void exported_idle(benchmark::State& state, const std::string& name) {
  try {
    Training clean(name, false), other(name, load_exported(name));
    compare(
        state, [&] { clean.step(); }, [&] { other.step(); });
  } catch (const UserError& error) {
    state.SkipWithError(error.what());
  }
}

void exported_load(benchmark::State& state, const std::string& name) {
  try {
    for (auto _ : state) benchmark::DoNotOptimize(load_exported(name));
  } catch (const UserError& error) {
    state.SkipWithError(error.what());
  }
}

void gaussian_both(benchmark::State& state, const std::string& name) {
  Training clean(name, false), perturbed(name, true);
  Plan plan({{.label = "noise",
              .sites = "*",
              .direction = Direction::kBoth,
              .perturbation = {"gaussian", {{"scale", 0.01}}}}},
            {.seed = 1});
  StepContext context{.rows = perturbed.rows(), .loss_divisor = static_cast<double>(perturbed.rows())};
  const auto step = [&] {
    const PlanScope scope(plan, context);
    perturbed.step();
    benchmark::DoNotOptimize(plan.ledger().take_entries());
    ++context.step;
  };
  compare(
      state, [&] { clean.step(); }, step);
}

}  // namespace

void register_tap_rows() {
  benchmark::RegisterBenchmark("idle_tap", idle_tap);
  for (const std::string name : kNetworks) {
    benchmark::RegisterBenchmark((name + "/clean").c_str(), untapped_or_idle, name, false);
    benchmark::RegisterBenchmark((name + "/idle").c_str(), untapped_or_idle, name, true);
    benchmark::RegisterBenchmark((name + "/gaussian_both").c_str(), gaussian_both, name);
    benchmark::RegisterBenchmark((name + "/operators_idle").c_str(), operators_idle, name);
    benchmark::RegisterBenchmark((name + "/exported_idle").c_str(), exported_idle, name);
    benchmark::RegisterBenchmark((name + "/exported_load").c_str(), exported_load, name)->Unit(benchmark::kMillisecond);
  }
}

}  // namespace gradquake::bench

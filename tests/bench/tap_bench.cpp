// What taps cost: idle, and with Gaussian noise of both directions at every site of a training step.
#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/tap.h"
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
  Training(const std::string& name, bool tapped)
      : network_(make_network(name, tapped)),
        parameters_(network_->parameters()),
        batch_(make_samples(name, batch_size(name))) {}

  void step() {
    at::cross_entropy_loss(network_->forward(batch_.input), batch_.target).backward();
    const at::NoGradGuard no_grad;
    for (at::Tensor& w : parameters_) {
      w.sub_(w.grad(), 0.01);
      w.mutable_grad().reset();
    }
  }

  std::int64_t rows() const { return batch_.target.size(0); }

 private:
  std::shared_ptr<model::Model> network_;
  std::vector<at::Tensor> parameters_;
  Samples batch_;
};

void untapped_or_idle(benchmark::State& state, const std::string& name, bool tapped) {
  Training clean(name, false), other(name, tapped);
  compare(
      state, [&] { clean.step(); }, [&] { other.step(); });
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
  }
}

}  // namespace gradquake::bench

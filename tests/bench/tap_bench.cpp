// What taps cost: idle, and with Gaussian noise of both directions at every site of a training step.
#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "gradquake/hooks/tap.h"
#include "measure.h"
#include "noisy_training.h"
#include "rows.h"
#include "training.h"

namespace gradquake::bench {
namespace {

void idle_tap(benchmark::State& state) {
  at::Tensor x = at::zeros({8, 8});
  for (auto _ : state) {
    x = tap("fc1", std::move(x));
    benchmark::DoNotOptimize(x);
  }
}

void untapped_or_idle(benchmark::State& state, const std::string& name, bool tapped) {
  Training clean(name, false), other(name, tapped);
  compare(
      state, [&] { clean.step(); }, [&] { other.step(); });
}

void gaussian_both(benchmark::State& state, const std::string& name) {
  Training clean(name, false);
  NoisyTraining perturbed(Training(name, true), {"*"});
  compare(
      state, [&] { clean.step(); }, [&] { perturbed.step(); });
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

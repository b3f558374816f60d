// The ways in that need no tap in a forward: operators of a module as it is, and .pt2 files; idle, and with the noise
// of tap_bench.cpp at the same tensors.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/model/exported/exported_model.h"
#include "gradquake/model/operator_sites.h"
#include "measure.h"
#include "noisy_training.h"
#include "rows.h"
#include "training.h"

namespace gradquake::bench {
namespace {

// What stands at the ends of the stages, by the names each way gives them: 6, 5 and 5 sites.
struct StageSites {
  std::vector<std::string> operators, exported;
};

const std::map<std::string, StageSites> kStages = {
    {"mlp", {{"relu.*", "fc5.linear"}, {"[2468]", "1[01]"}}},
    {"cnn", {{"relu.0", "max_pool2d.*", "head.linear"}, {"[0-35]"}}},
    {"transformer", {{"embed", "add.[135]", "pool.linear"}, {"[0-4]"}}},
};

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

void operators_gaussian(benchmark::State& state, const std::string& name) {
  Training clean(name, false);
  NoisyTraining perturbed(Training(name, model::with_operator_sites(make_network(name, false))),
                          kStages.at(name).operators);
  compare(
      state, [&] { clean.step(); }, [&] { perturbed.step(); });
  state.counters["injections"] = static_cast<double>(perturbed.injections());
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

void exported_gaussian(benchmark::State& state, const std::string& name) {
  try {
    Training clean(name, false);
    NoisyTraining perturbed(Training(name, load_exported(name)), kStages.at(name).exported);
    compare(
        state, [&] { clean.step(); }, [&] { perturbed.step(); });
    state.counters["injections"] = static_cast<double>(perturbed.injections());
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

}  // namespace

void register_way_rows() {
  for (const std::string name : kNetworks) {
    benchmark::RegisterBenchmark((name + "/operators_idle").c_str(), operators_idle, name);
    benchmark::RegisterBenchmark((name + "/operators_gaussian").c_str(), operators_gaussian, name);
    benchmark::RegisterBenchmark((name + "/exported_idle").c_str(), exported_idle, name);
    benchmark::RegisterBenchmark((name + "/exported_gaussian").c_str(), exported_gaussian, name);
    benchmark::RegisterBenchmark((name + "/exported_load").c_str(), exported_load, name)->Unit(benchmark::kMillisecond);
  }
}

}  // namespace gradquake::bench

// What the probe of `gradquake compare` costs over the naive loop: training steps that stand still, each with its
// shadow, one rule a run, for as many draws.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/probe.h"
#include "gradquake/compare/screen.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/run/assembly.h"
#include "gradquake/train/gradient_norms.h"
#include "gradquake/train/gradient_pass.h"
#include "measure.h"
#include "rows.h"

namespace gradquake::bench {
namespace {

constexpr double kSizes[] = {0.01, 0.03, 0.1};
constexpr std::int64_t kBatches = 2, kPairs = 8;

run::RunConfig config_of(const std::string& file) {
  const std::string path = std::string(GRADQUAKE_SOURCE_DIR) + "/configs/" + file;
  return run::read_run_config(config::Document::load(path, {"run.threads=1", "run.dtype=float64", "perturbations=[]"}));
}

compare::CompareConfig asked() {
  compare::CompareConfig config;
  config.kinds = {{perturbations().complete("gaussian"), "gaussian", true}};
  config.relative_sizes = {std::begin(kSizes), std::end(kSizes)};
  config.one_out = false;
  config.screen = {.batches = 2, .least = 2, .most = 2};
  config.probe = {.batches = kBatches, .least = kPairs, .most = kPairs};
  return config;
}

compare::Probe probe_once(const train::Task& task, const compare::CompareConfig& config,
                          const compare::Screen& screen) {
  compare::Work work({}, 1, {});
  return compare::probe(task, config, screen.sites, "bench", work);
}

// One rule's run: as many steps as the probe draws, the gradient's error taken at each.
void stand_still(train::Task& task, const Rule& rule, std::int64_t draws) {
  task.plan = std::make_unique<Plan>(std::vector<Rule>{rule}, PlanOptions{.seed = 1});
  const model::TrainedParameters trained = model::trained_parameters(*task.model);
  train::GradientPass pass(task, trained.tensors);
  const train::LayerGroups groups = train::group_by_layer(trained.names);
  data::BatchSampler sampler(task.data.train->size(), task.batch_size, 1);
  for (std::int64_t step = 0; step < draws; ++step) {
    const data::Batch batch = task.data.train->get(sampler.indices(step % kBatches));
    const train::StepGradients gradients = pass.compute(batch, step, true);
    benchmark::DoNotOptimize(train::gradient_norms(gradients, trained.tensors, task.regularizer, groups).error);
    task.plan->ledger().take_entries();
  }
}

void naive(train::Task& task, const compare::CompareConfig& config, const compare::Screen& screen) {
  Rule rule;
  rule.label = "noise";
  const std::int64_t draws = 2 * kPairs * kBatches;
  for (const double size : kSizes) {
    rule.perturbation = config.kinds[0].at(size);
    for (const compare::SiteScreen& site : screen.sites) {
      rule.sites = site.site;
      rule.direction = site.direction;
      stand_still(task, rule, draws);
    }
    rule.sites = "*";  // all at once, which the probe measures too
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      rule.direction = direction;
      stand_still(task, rule, draws);
    }
  }
}

void probe_row(benchmark::State& state, const std::string& file) {
  train::Task task;
  try {
    task = run::assemble(config_of(file));
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
    return;
  }
  const compare::CompareConfig config = asked();
  const compare::Screen screen = compare::screen(task, config);
  const compare::Probe found = probe_once(task, config, screen);
  compare(
      state, [&] { naive(task, config, screen); }, [&] { probe_once(task, config, screen); });
  state.counters["operators_over_needed"] = static_cast<double>(found.run) / static_cast<double>(found.needed);
}

}  // namespace

void register_probe_rows() {
  for (const auto& [name, file] :
       {std::pair("digits_mlp", "compare_digits.yaml"), std::pair("mnist_cnn", "mnist_cnn.yaml")})
    benchmark::RegisterBenchmark((std::string("probe/") + name).c_str(), [file](benchmark::State& state) {
      probe_row(state, file);
    })->Unit(benchmark::kMillisecond);
}

}  // namespace gradquake::bench

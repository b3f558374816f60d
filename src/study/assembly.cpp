#include "gradquake/study/assembly.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/data/registry.h"
#include "gradquake/model/model.h"
#include "gradquake/model/registry.h"

namespace gradquake::study {
namespace {

at::Device device_of(const RunConfig& config) {
  if (config.run.device == "cuda" && !at::hasCUDA()) {
    throw UserError("study", "expected run.device cpu, got cuda, which this LibTorch or machine does not have");
  }
  return at::Device(config.run.device);
}

std::vector<SiteInfo> dry_run(const RunConfig& config, const Assembly& parts) {
  const curvature::StateGuard guard(*parts.model, std::nullopt, curvature::Derivatives::kFirst);
  const at::NoGradGuard no_grad;
  const std::int64_t rows = std::min(config.data.batch_size, parts.data.train->size());
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int64_t>(i);
  const data::Batch batch = parts.data.train->get(indices);
  const at::Device device = device_of(config);
  const SiteRecorder recorder;
  parts.model->forward_with_target(batch.input.to(device), batch.target.to(device));
  return recorder.sites();
}

void check_objective(const RunConfig& config, const data::DataShape& shape) {
  const bool labels = shape.classes == 0;
  if (config.objective == "cross_entropy" && labels) {
    throw UserError("study", fmt::format("expected objective.kind logistic for data.kind {} (labels -1 and +1), got {}",
                                         config.data.kind, config.objective));
  }
  if (config.objective == "logistic" && !labels) {
    throw UserError("study", fmt::format("expected objective.kind cross_entropy or mse for data.kind {} ({} classes), "
                                         "got logistic",
                                         config.data.kind, shape.classes));
  }
}

std::vector<std::string> names_of(const std::vector<SiteInfo>& sites) {
  std::vector<std::string> names;
  for (const SiteInfo& site : sites) names.push_back(site.name);
  return names;
}

// Plan says which rule is wrong; the place in the config is known here.
std::unique_ptr<Plan> make_plan(const RunConfig& config, const Assembly& parts) {
  const PlanOptions options{named_seed(config.run.seed, "perturbations"), parts.steps};
  const std::vector<std::string> sites = names_of(parts.sites);
  for (const train::PlacedRule& placed : config.rules) {
    try {
      const Plan alone({placed.rule}, options, sites);
    } catch (const std::invalid_argument& error) {
      throw UserError("config", placed.place + ": " + error.what());
    }
  }
  try {
    return std::make_unique<Plan>(config.plain_rules(), options, sites);
  } catch (const std::invalid_argument& error) {
    throw UserError("config", std::string("perturbations: ") + error.what());
  }
}

}  // namespace

Assembly assemble(const RunConfig& config) {
  Assembly parts;
  const at::Device device = device_of(config);
  at::set_num_threads(static_cast<int>(config.run.threads));
  const at::ScalarType dtype = config.run.dtype == "float64" ? at::kDouble : at::kFloat;
  parts.data = data::load_data(config.data, config.run.seed, dtype);
  const data::DataShape shape = parts.data.train->shape();
  check_objective(config, shape);
  parts.model =
      model::make_model(config.model, {shape.sample, shape.classes}, named_seed(config.run.seed, "model.init"));
  parts.model->to(device, dtype);
  parts.model->train();
  at::manual_seed(named_seed(config.run.seed, "torch"));

  const data::BatchSampler sampler(parts.data.train->size(), config.data.batch_size, 0);
  parts.steps = config.run.epochs ? *config.run.epochs * sampler.steps_per_epoch() : config.run.steps;
  parts.sites = dry_run(config, parts);
  parts.plan = make_plan(config, parts);
  return parts;
}

}  // namespace gradquake::study

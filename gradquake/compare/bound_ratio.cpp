#include "gradquake/compare/bound_ratio.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/measure/constants_file.h"
#include "gradquake/measure/kinks.h"
#include "gradquake/measure/operator_constants.h"
#include "gradquake/measure/stages.h"
#include "gradquake/theory/constants.h"
#include "gradquake/theory/error_bounds.h"

namespace gradquake::compare {
namespace {

// C / rows by site and direction; or why there are none.
struct Bounds {
  std::map<std::pair<std::string, Direction>, double> coefficients;
  std::string reason;
};

// The samples of all batches of the probe.
data::Batch probed_samples(const train::Task& task, const CompareConfig& config) {
  data::BatchSampler sampler(task.data.train->size(), task.batch_size, named_seed(task.seed, "compare.batches"));
  std::vector<std::int64_t> samples;
  for (std::int64_t b = 0; b < config.probe.batches; ++b)
    for (const std::int64_t one : sampler.indices(b)) samples.push_back(one);
  std::sort(samples.begin(), samples.end());
  samples.erase(std::unique(samples.begin(), samples.end()), samples.end());
  return task.data.train->get(samples).to(task.device);
}

// Theorem 1 adds up the operators' errors in squares: what they share would add them up before.
bool shares_parameters(const measure::Stages& stages) {
  std::set<const void*> seen;
  for (std::size_t i = 1; i <= stages.operators(); ++i)
    for (const at::Tensor& one : stages.parameters(i))
      if (!seen.insert(one.unsafeGetTensorImpl()).second) return true;
  return false;
}

Bounds bounds_of(const train::Task& task, const data::Batch& samples) {
  Bounds bounds;
  if (train::dtype_of(task) != at::kDouble) {
    bounds.reason = "parameters are not float64";
    return bounds;
  }
  const std::vector<std::string> kinked = measure::kinked_operators(task, samples);
  if (!kinked.empty()) {
    bounds.reason = fmt::format("not smooth: {}", fmt::join(kinked, ", "));
    return bounds;
  }
  try {
    const measure::Stages stages(task, samples);
    std::vector<measure::Estimate> estimates;
    measure::OperatorMeasurement measurement(stages, named_seed(task.seed, "compare.bound"), estimates);
    theory::Constants constants;
    constants.operators = static_cast<int>(stages.operators());
    if (shares_parameters(stages)) {
      bounds.reason = "operators share parameters";
      return bounds;
    }
    for (std::size_t i = 1; i <= stages.operators(); ++i) constants.per_operator.push_back(measurement.of(i));
    constants.delta.assign(stages.sites().size(), {.second_moment = 1, .fourth_moment = 1});
    constants.eps.assign(stages.sites().size(), {.second_moment = 1});
    const theory::Outcome<theory::SecondMomentBound> sharp = theory::theorem1(constants, theory::Variant::kSharp);
    bounds.reason = sharp.reason;
    if (!sharp.bound) return bounds;
    for (std::size_t j = 0; j < stages.sites().size(); ++j) {
      bounds.coefficients[{stages.sites()[j], Direction::kForward}] = sharp.bound->delta[j].coefficient;
      bounds.coefficients[{stages.sites()[j], Direction::kBackward}] = sharp.bound->eps[j].coefficient;
    }
  } catch (const UserError& error) {
    bounds.reason = error.what();
  }
  return bounds;
}

}  // namespace

void set_bound_ratios(const train::Task& task, const CompareConfig& config, Probe& probe) {
  const data::Batch samples = probed_samples(task, config);
  const Bounds bounds = bounds_of(task, samples);
  const auto rows = static_cast<double>(std::min(task.batch_size, task.data.train->size()));
  for (ProbeCell& cell : probe.cells) {
    const auto found = bounds.coefficients.find({cell.site, cell.direction});
    if (!cell.reason.empty())
      cell.bound_reason = cell.reason;
    else if (!bounds.reason.empty())
      cell.bound_reason = bounds.reason;
    else if (found == bounds.coefficients.end() || !(found->second > 0))
      cell.bound_reason = "no constants of this site";
    else
      cell.bound_ratio = power_of(*cell.amplification, 1, rows / found->second);
  }
}

}  // namespace gradquake::compare

// The constants of a run as they become known on the way: those that its config and data settle, and the worst that was
// measured so far. Beside them the sizes of what was injected.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/measure/injection_totals.h"
#include "gradquake/measure/run_constants.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

class GRADQUAKE_EXPORT MeasuredConstants {
 public:
  explicit MeasuredConstants(const train::Task& task);

  void add(const StepRecord& record);
  void add(const CurvatureRecord& curvature, const CurvatureProbe::Gradient& gradient);

  // Known from the start, or the worst measured so far: the largest L and sigma^2, the smallest mu.
  RunConstants constants() const;
  const InjectionTotals& injections() const { return injections_; }

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  const train::Task& task_;
  RunConstants known_;
  InjectionTotals injections_;
  std::optional<double> smoothness_;  // the largest so far
  std::int64_t step_of_L_ = -1;
  std::optional<double> largest_sample_variance_;  // of one sample's gradient
  std::optional<double> smallest_pl_;              // ||grad l||^2 / (2 l) on the probe set
  std::optional<double> minimum_loss_;             // l* from below, by (11); closed-form full-batch runs only
};

}  // namespace gradquake::measure

// Wires one run's records: monitor, curvature and the record files. A checkpoint keeps its whole state, the lengths of
// the files included, so that a resumed run appends exactly where the unbroken one would have.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/measure/injection_totals.h"
#include "gradquake/monitor/monitor.h"
#include "gradquake/predict/run_theory.h"
#include "gradquake/predict/spike_predictor.h"
#include "gradquake/report/json_lines.h"
#include "gradquake/run/run_folder.h"
#include "gradquake/train/callback.h"

namespace gradquake::run {

// What a progress line shows.
struct Progress {
  std::int64_t step = 0, steps = 0;
  double loss = 0, grad_norm = 0;
  std::int64_t spikes = 0;
};

struct RunHooks {
  std::function<void(const std::string&)> log;    // a line at a time; empty: silent
  std::function<void(const Progress&)> progress;  // once a step; empty: none
  std::function<bool()> stop_requested;           // asked once a step; empty: never
};

class GRADQUAKE_EXPORT RunObserver : public train::Callback {
 public:
  RunObserver(const RunConfig& config, const train::Task& task, const RunFolder& folder,
              const measure::CurvatureProbe& probe, RunHooks hooks);
  ~RunObserver() override;

  void on_start(const RunInfo& info) override;
  void before_update(const StepRecord& record, const train::StepView& view) override;
  void on_evaluation(const EvaluationRecord& record) override;
  void on_finish(const train::RunEnd& end) override;
  std::string save() override;
  void restore(const std::string& state) override;

  monitor::RunVerdict verdict() const { return monitor_->verdict(); }
  // Known from the start, or the worst measured so far: the largest L and sigma^2, the smallest mu.
  measure::RunConstants constants() const;
  const measure::InjectionTotals& injections() const { return injections_; }
  const std::optional<EvaluationRecord>& last_evaluation() const { return last_evaluation_; }

 private:
  CurvatureRecord measure(const StepRecord& record);
  void predict(const StepRecord& record, const train::StepView& view, bool opens_episode);
  void bound_minimum(const StepRecord& record);
  report::JsonLines& file(const std::string& name) { return *files_.at(name); }

  const RunConfig& config_;
  const train::Task& task_;
  const RunFolder& folder_;
  const measure::CurvatureProbe& probe_;
  RunHooks hooks_;
  std::int64_t steps_ = 0;
  std::unique_ptr<monitor::Monitor> monitor_;
  std::map<std::string, std::unique_ptr<report::JsonLines>> files_;
  measure::RunConstants known_;
  measure::InjectionTotals injections_;
  std::optional<CurvatureRecord> sharpest_;        // the largest smoothness so far
  std::optional<double> largest_sample_variance_;  // of one sample's gradient
  std::optional<double> smallest_pl_;              // ||grad l||^2 / (2 l) on the probe set
  std::optional<double> minimum_loss_;             // l* from below, by (11); closed-form full-batch runs only
  std::optional<EvaluationRecord> last_evaluation_;
  std::string restored_;
};

}  // namespace gradquake::run

// Wires one run's records: monitor, curvature and the record files. A checkpoint keeps its whole state, the lengths of
// the files included, so that a resumed run appends exactly where the unbroken one would have.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/core/export.h"
#include "gradquake/monitor/monitor.h"
#include "gradquake/report/json_lines.h"
#include "gradquake/study/curvature_probe.h"
#include "gradquake/study/run_folder.h"
#include "gradquake/train/callback.h"

namespace gradquake::study {

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
  RunObserver(const RunConfig& config, const RunFolder& folder, const CurvatureProbe& probe, RunHooks hooks);
  ~RunObserver() override;

  void on_start(const RunInfo& info) override;
  void before_update(const StepRecord& record, const train::StepView& view) override;
  void on_evaluation(const EvaluationRecord& record) override;
  void on_finish(const train::RunEnd& end) override;
  std::string save() override;
  void restore(const std::string& state) override;

  monitor::RunVerdict verdict() const { return monitor_->verdict(); }
  const std::optional<CurvatureRecord>& sharpest() const { return sharpest_; }  // the largest smoothness so far
  const std::optional<EvaluationRecord>& last_evaluation() const { return last_evaluation_; }

 private:
  CurvatureRecord measure(const StepRecord& record);
  void log_spike(const SpikeRecord& spike) const;
  report::JsonLines& file(const std::string& name) { return *files_.at(name); }

  const RunConfig& config_;
  const RunFolder& folder_;
  const CurvatureProbe& probe_;
  RunHooks hooks_;
  std::int64_t steps_ = 0;
  std::unique_ptr<monitor::Monitor> monitor_;
  std::map<std::string, std::unique_ptr<report::JsonLines>> files_;
  std::optional<CurvatureRecord> sharpest_;
  std::optional<EvaluationRecord> last_evaluation_;
  std::string restored_;
};

}  // namespace gradquake::study

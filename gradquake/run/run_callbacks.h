// The jobs of a run as the loop sees them: one train::Callback that makes the records of a step in their order and
// hands them to the callbacks.
//
//   RunCallbacks jobs(task, folder);
//   jobs.watch_spikes(monitor_config);
//   jobs.measure_curvature(probe);
//   jobs.predict_spikes(probe, monitor_config.recovery);
//   jobs.add("files", std::make_shared<FilesCallback>());
//   Trainer(..., {&jobs}).run();
//
// Each job may be left out. A checkpoint keeps the state of each by its name.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/measured_constants.h"
#include "gradquake/monitor/monitor.h"
#include "gradquake/run/callback.h"
#include "gradquake/run/record_makers.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::run {

class GRADQUAKE_EXPORT RunCallbacks : public train::Callback {
 public:
  // Both outlive the callbacks.
  RunCallbacks(const train::Task& task, const RunFolder& folder);
  ~RunCallbacks() override;

  void watch_spikes(const monitor::MonitorConfig& config) { monitor_config_ = config; }
  void measure_curvature(const measure::CurvatureProbe& probe);
  void predict_spikes(const measure::CurvatureProbe& probe, const monitor::RecoveryConfig& recovery);
  // Called after those added before. Throws UserError for a name that is taken. What an added callback throws is named
  // as its mistake, as a UserError.
  void add(const std::string& name, std::shared_ptr<run::Callback> callback);

  void on_start(const RunInfo& info) override;
  void before_update(const StepRecord& record, const train::StepView& view) override;
  void on_evaluation(const EvaluationRecord& record) override;
  void on_finish(const train::RunEnd& end) override;
  std::string save() override;
  void restore(const std::string& state) override;

  monitor::RunVerdict verdict() const;  // of no spikes without the monitor
  const measure::MeasuredConstants& constants() const { return constants_; }
  const std::optional<EvaluationRecord>& last_evaluation() const { return last_evaluation_; }

 private:
  void close(const std::vector<SpikeRecord>& spikes);
  template <class Call>
  void tell(const Call& call);

  const train::Task& task_;
  const RunFolder& folder_;
  measure::MeasuredConstants constants_;
  std::optional<monitor::MonitorConfig> monitor_config_;
  std::unique_ptr<monitor::Monitor> monitor_;
  std::unique_ptr<CurvatureMaker> curvature_;
  std::unique_ptr<PredictionMaker> predictions_;
  SpikeParts parts_;
  std::vector<std::pair<std::string, std::shared_ptr<run::Callback>>> callbacks_;
  std::optional<EvaluationRecord> last_evaluation_;
  std::string restored_;
};

}  // namespace gradquake::run

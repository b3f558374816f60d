// Hand-made series of step records for the monitor's tests, and short ways to run them.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/monitor/monitor.h"

namespace gradquake::monitor::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInf = std::numeric_limits<double>::infinity();

// A step at which no rule fired.
inline StepRecord quiet(std::int64_t step, double norm, double loss) {
  StepRecord record;
  record.step = step;
  record.loss = loss;
  record.grad_norm = norm;
  record.learning_rate = 0.1;
  return record;
}

// A step with a backward perturbation and a shadow: the clean values are known beside the gradient error.
inline StepRecord shaken(std::int64_t step, double norm, double loss, double error) {
  StepRecord record = quiet(step, std::hypot(norm, error), loss);
  record.backward_fired = true;
  record.clean_grad_norm = norm;
  record.clean_loss = loss;
  record.grad_error = error;
  record.injections = {{step, "shake", "layers.1", "backward", 0, 64, error, 1.0}};
  return record;
}

// The same without a shadow: nothing clean is known of the norm.
inline StepRecord unseen(StepRecord record) {
  record.clean_grad_norm.reset();
  record.clean_loss.reset();
  record.grad_error.reset();
  return record;
}

// steps records: norm(t) and loss(t), with a spike of three times the clean norm at each of `spikes`.
using Curve = std::function<double(std::int64_t)>;
inline std::vector<StepRecord> series(std::int64_t steps, const Curve& norm, const Curve& loss,
                                      const std::vector<std::int64_t>& spikes) {
  std::vector<StepRecord> records;
  for (std::int64_t t = 0; t < steps; ++t) records.push_back(quiet(t, norm(t), loss(t)));
  for (const std::int64_t t : spikes) {
    records[static_cast<std::size_t>(t)] = shaken(t, norm(t), loss(t), 3 * norm(t));
  }
  return records;
}

inline Curve constant(double value) {
  return [value](std::int64_t) { return value; };
}

struct Run {
  std::vector<SpikeRecord> spikes;       // in the order in which their verdicts fell
  std::vector<std::int64_t> decided_at;  // the step of each verdict; the number of steps at the run's end
  RunVerdict verdict;
};

inline Run run(const std::vector<StepRecord>& records, const MonitorConfig& config = {}, bool stopped_nonfinite = false,
               const std::vector<std::string>& layers = {}) {
  Monitor monitor(config, layers);
  Run result;
  const auto take = [&](const std::vector<SpikeRecord>& closed, std::int64_t step) {
    for (const SpikeRecord& spike : closed) {
      result.spikes.push_back(spike);
      result.decided_at.push_back(step);
    }
  };
  for (const StepRecord& record : records) take(monitor.observe(record).closed, record.step);
  take(monitor.finish(stopped_nonfinite), static_cast<std::int64_t>(records.size()));
  result.verdict = monitor.verdict();
  return result;
}

// As run(), with no robust detector: only what the shadow sees is a spike.
inline MonitorConfig shadow_only() {
  MonitorConfig config;
  config.spikes.robust_score = 1e9;
  return config;
}

}  // namespace gradquake::monitor::test

// Learning rates that change with the step t (from 0), T = run steps, W = warmup steps, k = t - W. The built-in
// schedules, one file each in kinds/:
//
//   constant:     lr
//   inverse_sqrt: lr / sqrt(1 + k)
//   cosine:       final * lr + (1 - final) * lr * (1 + cos(pi k / (T - W))) / 2
//   step:         lr * factor^floor(k / every)
//
// Warm-up, of every schedule: for t < W the rate is lr * (t + 1) / W.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"

namespace gradquake::train {

class GRADQUAKE_EXPORT LearningRateSchedule {
 public:
  virtual ~LearningRateSchedule();
  // The rate `k` >= 0 steps behind the warm-up of a run with `length` >= 1 steps behind it.
  virtual double rate(double learning_rate, std::int64_t k, std::int64_t length) const = 0;
  // Whether the rate never rises in k, so that the first is the largest.
  virtual bool falls() const { return false; }
};

using LearningRateFactory = std::function<std::unique_ptr<LearningRateSchedule>(const KindSpec&)>;
// Every kind has the parameter `warmup` before its own.
GRADQUAKE_EXPORT Registry<LearningRateFactory>& learning_rate_schedules();

// A schedule with its warm-up. Throws std::invalid_argument as KindGroup::complete does.
class GRADQUAKE_EXPORT LearningRate {
 public:
  LearningRate(const KindSpec& spec = "constant");  // NOLINT(google-explicit-constructor): it is its spec, checked

  const KindSpec& spec() const { return spec_; }  // complete
  double at(double learning_rate, std::int64_t step, std::int64_t run_steps) const;
  // The largest rate of steps 0 .. run_steps-1: what the step-size condition takes (docs/theory.md 3).
  double largest(double learning_rate, std::int64_t run_steps) const;

 private:
  KindSpec spec_;
  std::int64_t warmup_;
  std::shared_ptr<const LearningRateSchedule> schedule_;
};

}  // namespace gradquake::train

#include <cmath>

#include "gradquake/train/kinds/learning_rates.h"

namespace gradquake::train::kinds {
namespace {

class StepRate : public LearningRateSchedule {
 public:
  explicit StepRate(const KindSpec& spec) : every_(spec.integer("every")), factor_(spec.number("factor")) {}
  double rate(double learning_rate, std::int64_t k, std::int64_t) const override {
    return learning_rate * std::pow(factor_, std::floor(static_cast<double>(k) / static_cast<double>(every_)));
  }
  bool falls() const override { return true; }

 private:
  std::int64_t every_;
  double factor_;
};

}  // namespace

LearningRateKind step_rate() {
  return {{.name = "step",
           .summary = "lr * factor^floor(k / every), k the steps behind the warm-up",
           .parameters = {Parameter::integer("every", "steps from one drop to the next")
                              .at_least(1)
                              .in_units("steps")
                              .by_default(1000),
                          Parameter::number("factor", "multiplier at a drop")
                              .in({.min = 0, .max = 1, .min_open = true})
                              .by_default(0.1)}},
          [](const KindSpec& spec) { return std::make_unique<StepRate>(spec); }};
}

}  // namespace gradquake::train::kinds

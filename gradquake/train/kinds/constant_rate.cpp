#include "gradquake/train/kinds/learning_rates.h"

namespace gradquake::train::kinds {
namespace {

class ConstantRate : public LearningRateSchedule {
 public:
  double rate(double learning_rate, std::int64_t, std::int64_t) const override { return learning_rate; }
  bool falls() const override { return true; }
};

}  // namespace

LearningRateKind constant_rate() {
  return {{.name = "constant", .summary = "lr at every step"},
          [](const KindSpec&) { return std::make_unique<ConstantRate>(); }};
}

}  // namespace gradquake::train::kinds

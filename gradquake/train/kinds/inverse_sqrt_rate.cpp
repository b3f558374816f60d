#include <cmath>

#include "gradquake/train/kinds/learning_rates.h"

namespace gradquake::train::kinds {
namespace {

class InverseSqrtRate : public LearningRateSchedule {
 public:
  double rate(double learning_rate, std::int64_t k, std::int64_t) const override {
    return learning_rate / std::sqrt(1 + static_cast<double>(k));
  }
  bool falls() const override { return true; }
};

}  // namespace

LearningRateKind inverse_sqrt_rate() {
  return {{.name = "inverse_sqrt", .summary = "lr / sqrt(1 + k), k the steps behind the warm-up"},
          [](const KindSpec&) { return std::make_unique<InverseSqrtRate>(); }};
}

}  // namespace gradquake::train::kinds

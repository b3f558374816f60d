#include <algorithm>
#include <cmath>
#include <numbers>

#include "gradquake/train/kinds/learning_rates.h"

namespace gradquake::train::kinds {
namespace {

class CosineRate : public LearningRateSchedule {
 public:
  explicit CosineRate(double last) : final_(last) {}
  double rate(double learning_rate, std::int64_t k, std::int64_t length) const override {
    const double part = std::min(1.0, static_cast<double>(k) / static_cast<double>(length));
    const double wave = (1 + std::cos(std::numbers::pi * part)) / 2;
    return learning_rate * (final_ + (1 - final_) * wave);
  }
  bool falls() const override { return true; }

 private:
  double final_;
};

}  // namespace

LearningRateKind cosine_rate() {
  return {{.name = "cosine",
           .summary = "half a cosine from lr to final * lr at the run's end",
           .parameters = {Parameter::number("final", "fraction of lr at the end").in(Range::unit()).by_default(0.0)},
           .length_dependence = [](const KindSpec&) -> std::optional<std::string> { return "is cosine"; }},
          [](const KindSpec& spec) { return std::make_unique<CosineRate>(spec.number("final")); }};
}

}  // namespace gradquake::train::kinds

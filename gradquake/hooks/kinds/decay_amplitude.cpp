#include <cmath>

#include "gradquake/hooks/kinds/amplitudes.h"
#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class DecayAmplitude : public Amplitude {
 public:
  explicit DecayAmplitude(double power) : power_(power) {}
  double at(std::int64_t step) const override { return std::pow(static_cast<double>(step) + 1, -power_); }
  std::string describe() const override { return "(t+1)^-" + short_number(power_); }

 private:
  double power_;
};

}  // namespace

AmplitudeKind decay_amplitude() {
  return {{.name = "decay", .summary = "(t + 1)^-power", .parameters = {Parameter::number("power", "the exponent")}},
          [](const KindSpec& spec, const ScheduleContext&) {
            return std::make_unique<DecayAmplitude>(spec.number("power"));
          }};
}

}  // namespace gradquake::kinds

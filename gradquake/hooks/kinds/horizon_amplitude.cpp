#include <cmath>

#include "gradquake/hooks/kinds/amplitudes.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::kinds {
namespace {

class HorizonAmplitude : public Amplitude {
 public:
  HorizonAmplitude(double power, std::int64_t run_steps) : power_(power) {
    if (run_steps < 1)
      detail::refuse("a run of known length for amplitude horizon", std::to_string(run_steps) + " steps");
    factor_ = std::pow(static_cast<double>(run_steps), -power);
  }
  double at(std::int64_t) const override { return factor_; }
  std::string describe() const override { return "T^-" + short_number(power_); }

 private:
  double power_, factor_ = 1;
};

}  // namespace

AmplitudeKind horizon_amplitude() {
  return {
      {.name = "horizon",
       .summary = "T^-power, T the run's steps",
       .parameters = {Parameter::number("power", "the exponent")},
       .length_dependence = [](const KindSpec&) -> std::optional<std::string> { return "has a horizon amplitude"; }},
      [](const KindSpec& spec, const ScheduleContext& context) {
        return std::make_unique<HorizonAmplitude>(spec.number("power"), context.run_steps);
      }};
}

}  // namespace gradquake::kinds

#include "gradquake/hooks/schedule.h"

#include <utility>

#include "gradquake/hooks/kinds/amplitudes.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace {

const KindGroup& amplitude_group() { return amplitudes(); }

// A schedule under the amplitude of its spec.
class Scaled : public Schedule {
 public:
  Scaled(std::unique_ptr<Schedule> schedule, std::unique_ptr<Amplitude> amplitude, const KindSpec& spec)
      : schedule_(std::move(schedule)), amplitude_(std::move(amplitude)) {
    words_ = schedule_->describe();
    if (words_.empty()) words_ = words_of(spec, {"amplitude"});
    if (const std::string words = amplitude_->describe(); !words.empty()) words_ += ", amplitude " + words;
  }
  bool fires(std::int64_t step) const override { return schedule_->fires(step); }
  bool can_fire(std::int64_t step) const override { return schedule_->can_fire(step); }
  double amplitude(std::int64_t step) const override { return amplitude_->at(step) * schedule_->amplitude(step); }
  std::string describe() const override { return words_; }

 private:
  std::unique_ptr<Schedule> schedule_;
  std::unique_ptr<Amplitude> amplitude_;
  std::string words_;
};

}  // namespace

Schedule::~Schedule() = default;
bool Schedule::can_fire(std::int64_t step) const { return fires(step); }
double Schedule::amplitude(std::int64_t) const { return 1; }
std::string Schedule::describe() const { return ""; }
Amplitude::~Amplitude() = default;

Registry<AmplitudeFactory>& amplitudes() {
  static Registry<AmplitudeFactory> registry("amplitude", {kinds::constant_amplitude(), kinds::horizon_amplitude(),
                                                           kinds::decay_amplitude(), kinds::linear_amplitude()});
  return registry;
}

Registry<ScheduleFactory>& schedules() {
  static Registry<ScheduleFactory> registry(
      "schedule",
      {kinds::every_schedule(), kinds::at_schedule(), kinds::probability_schedule(), kinds::once_schedule(),
       kinds::budget_schedule()},
      {.after = {Parameter::kind("amplitude", amplitude_group, "factor on the perturbation, step by step")
                     .by_default("constant")}});
  return registry;
}

std::unique_ptr<Schedule> make_schedule(const KindSpec& spec, const ScheduleContext& context) {
  const KindSpec complete = schedules().complete(spec);
  const KindSpec& amplitude_spec = complete.nested("amplitude");
  std::unique_ptr<Amplitude> amplitude = amplitudes().factory(amplitude_spec.kind)(amplitude_spec, context);
  if (!amplitude) detail::refuse("an amplitude from the factory of '" + amplitude_spec.kind + "'", "a null pointer");
  std::unique_ptr<Schedule> schedule = schedules().factory(complete.kind)(complete, context);
  if (!schedule) detail::refuse("a schedule from the factory of '" + complete.kind + "'", "a null pointer");
  return std::make_unique<Scaled>(std::move(schedule), std::move(amplitude), complete);
}

}  // namespace gradquake

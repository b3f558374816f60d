#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class Every : public Schedule {
 public:
  explicit Every(const KindSpec& spec)
      : interval_(spec.integer("interval")), offset_(spec.integer("offset")), window_(spec) {}

  bool fires(std::int64_t step) const override {
    return step >= 0 && window_.contains(step) && step % interval_ == offset_ % interval_;
  }

  std::string describe() const override {
    std::string text = interval_ == 1 ? "every step" : "every " + std::to_string(interval_) + " steps";
    if (offset_ != 0) text += " at offset " + std::to_string(offset_);
    return text + window_.describe();
  }

 private:
  std::int64_t interval_, offset_;
  Window window_;
};

}  // namespace

ScheduleKind every_schedule() {
  return {{.name = "every",
           .summary = "from <= t < until and (t - offset) mod interval == 0",
           .parameters = with_window(
               {Parameter::integer("interval", "steps from one firing to the next")
                    .at_least(1)
                    .in_units("steps")
                    .by_default(1),
                Parameter::integer("offset", "shifts the firings").at_least(0).in_units("steps").by_default(0)}),
           .check = check_window},
          [](const KindSpec& spec, const ScheduleContext&) { return std::make_unique<Every>(spec); }};
}

}  // namespace gradquake::kinds

#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class Once : public Schedule {
 public:
  explicit Once(std::int64_t step) : step_(step) {}
  bool fires(std::int64_t step) const override { return step == step_; }
  std::string describe() const override { return "once at step " + std::to_string(step_); }

 private:
  std::int64_t step_;
};

}  // namespace

ScheduleKind once_schedule() {
  return {{.name = "once",
           .summary = "at one step",
           .parameters = {Parameter::integer("step", "where it fires").at_least(0)}},
          [](const KindSpec& spec, const ScheduleContext&) { return std::make_unique<Once>(spec.integer("step")); }};
}

}  // namespace gradquake::kinds

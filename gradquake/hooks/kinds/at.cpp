#include <algorithm>

#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class At : public Schedule {
 public:
  explicit At(std::vector<std::int64_t> steps) : steps_(std::move(steps)) { std::sort(steps_.begin(), steps_.end()); }

  bool fires(std::int64_t step) const override { return std::binary_search(steps_.begin(), steps_.end(), step); }
  std::string describe() const override { return "at " + std::to_string(steps_.size()) + " steps"; }

 private:
  std::vector<std::int64_t> steps_;
};

}  // namespace

ScheduleKind at_schedule() {
  return {{.name = "at",
           .summary = "at the steps listed",
           .parameters = {Parameter::integers("steps", "where it fires, in any order").at_least(0)}},
          [](const KindSpec& spec, const ScheduleContext&) { return std::make_unique<At>(spec.integers("steps")); }};
}

}  // namespace gradquake::kinds

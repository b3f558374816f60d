// The built-in schedules, one file each, for the table in schedule.cpp; and what they share. Internal to hooks/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/schedule.h"

namespace gradquake::kinds {

using ScheduleKind = Registry<ScheduleFactory>::Kind;

ScheduleKind every_schedule();
ScheduleKind at_schedule();
ScheduleKind probability_schedule();
ScheduleKind once_schedule();
ScheduleKind budget_schedule();

// The steps [from, until); no `until`: for ever.
struct Window {
  explicit Window(const KindSpec& spec);
  bool contains(std::int64_t step) const { return step >= from && (!until || step < *until); }
  std::string describe() const;  // " from step 5 until step 9", without what is not given

  std::int64_t from;
  std::optional<std::int64_t> until;
};

// `own`, then `from` and `until`.
std::vector<Parameter> with_window(std::vector<Parameter> own);
std::optional<KindProblem> check_window(const KindSpec& spec);

// "0.5", "1e-09": six digits at most, for words.
std::string short_number(double value);

}  // namespace gradquake::kinds

// When a rule fires and how strongly, step by step. A schedule is a pure function of the step, so skipping steps,
// asking twice or resuming changes nothing; its coins are drawn by address (stream.h).
//
//   every        from <= t < until and (t - offset) mod interval == 0
//   at           t is in `steps`
//   probability  from <= t < until and u(t) < p, u(t) uniform in [0, 1)
//   once         t == step
//   budget       count steps of [from, until), S = until - from; until defaults to the run's steps
//                  even:   from + floor(k S / count), k = 0 .. count-1 (S a multiple of count: `every` S / count)
//                  random: a subset of that size, all equally likely
//   amplitude(t) constant: 1 | horizon: T^-power, T the run's steps | decay: (t + 1)^-power
//                | linear: `from` up to step `start`, `to` from step `end` on, a straight line between
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"

namespace gradquake {

class GRADQUAKE_EXPORT Schedule {
 public:
  virtual ~Schedule();
  virtual bool fires(std::int64_t step) const = 0;
  // Factor on the perturbation at a step where the rule fires.
  virtual double amplitude(std::int64_t step) const;
};

struct ScheduleContext {
  std::int64_t run_steps = 0;  // T; 0: unknown, then what needs it (budget without until, horizon) is an error
  std::uint64_t coin_key = 0;  // the key of the rule's coins, from stream_key
};

// Throws std::invalid_argument: interval < 1, p outside [0, 1], count < 0 or more than the steps there are, a negative
// step, until < from, a power that is not finite, end <= start, an unknown custom name or parameter, a missing T.
GRADQUAKE_EXPORT std::unique_ptr<Schedule> make_schedule(const ScheduleSpec& spec, const ScheduleContext& context);

// A user's own schedule, chosen by ScheduleSpec::custom. The amplitude of the spec multiplies the schedule's own.
// A name that is taken, or built in, throws std::invalid_argument. Safe from several threads.
using ScheduleFactory = std::function<std::unique_ptr<Schedule>(const ScheduleSpec&, const ScheduleContext&)>;
GRADQUAKE_EXPORT void register_schedule(std::string name, ScheduleFactory factory,
                                        std::vector<std::string> parameter_names = {});

// Every name a config may use: the built-in kinds, then the registered ones in alphabetical order.
GRADQUAKE_EXPORT std::vector<std::string> schedule_kinds();
// The parameters a registered schedule takes; empty for a built-in kind.
GRADQUAKE_EXPORT std::vector<std::string> schedule_parameters(const std::string& name);

}  // namespace gradquake

// When a rule fires and how strongly, step by step. A schedule is a pure function of the step, so skipping steps,
// asking twice or resuming changes nothing; its coins are drawn by address (stream.h). The built-in kinds, one file
// each in kinds/:
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
//
// Every schedule kind, also a user's, has the parameter `amplitude` behind its own; it multiplies the schedule's own
// amplitude:
//
//   gradquake::schedules().add({"primes", "at prime steps"}, [](const KindSpec&, const ScheduleContext&) {
//     return std::make_unique<Primes>();
//   });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"
#include "gradquake/hooks/registry.h"

namespace gradquake {

class GRADQUAKE_EXPORT Schedule {
 public:
  virtual ~Schedule();
  virtual bool fires(std::int64_t step) const = 0;
  // Whether it could fire there, were its coins to fall well; without coins the same as fires.
  virtual bool can_fire(std::int64_t step) const;
  // Factor on the perturbation at a step where the rule fires.
  virtual double amplitude(std::int64_t step) const;
  // "every 100 steps from step 50": in words; "": the kind and its parameters say it.
  virtual std::string describe() const;
};

class GRADQUAKE_EXPORT Amplitude {
 public:
  virtual ~Amplitude();
  virtual double at(std::int64_t step) const = 0;
  // "(t+1)^-0.5": in words; "": always 1.
  virtual std::string describe() const = 0;
};

struct ScheduleContext {
  std::int64_t run_steps = 0;  // T; 0: unknown, then what needs it (budget without until, horizon) is an error
  std::uint64_t coin_key = 0;  // the key of the rule's coins, from stream_key
};

// Factories get complete specs, and throw std::invalid_argument on what only the context shows.
using ScheduleFactory = std::function<std::unique_ptr<Schedule>(const KindSpec&, const ScheduleContext&)>;
using AmplitudeFactory = std::function<std::unique_ptr<Amplitude>(const KindSpec&, const ScheduleContext&)>;

GRADQUAKE_EXPORT Registry<ScheduleFactory>& schedules();
GRADQUAKE_EXPORT Registry<AmplitudeFactory>& amplitudes();

// The schedule with its amplitude. Throws std::invalid_argument as KindGroup::complete does, and where T is missing or
// a budget does not fit its steps. Its describe() is never empty.
GRADQUAKE_EXPORT std::unique_ptr<Schedule> make_schedule(const KindSpec& spec, const ScheduleContext& context);

}  // namespace gradquake

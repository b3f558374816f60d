#include "gradquake/hooks/schedule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "gradquake/hooks/random/stream.h"

namespace gradquake {
namespace {

// Counter word 2 of a coin: what the coins of one rule are for.
constexpr std::uint32_t kFiringCoins = 0, kSubsetCoins = 1;

[[noreturn]] void refuse_schedule(const std::string& expected, const std::string& got) {
  throw std::invalid_argument("[hooks] schedule: expected " + expected + ", got " + got);
}

void require_at_least(const char* what, std::int64_t value, std::int64_t least) {
  if (value < least) refuse_schedule(std::string(what) + " >= " + std::to_string(least), std::to_string(value));
}

class Amplitude {
 public:
  Amplitude(const AmplitudeSpec& spec, std::int64_t run_steps) : spec_(spec) {
    for (double x : {spec.power, spec.from, spec.to}) {
      if (!std::isfinite(x)) refuse_schedule("finite amplitude parameters", std::to_string(x));
    }
    if (spec.kind == AmplitudeKind::kHorizon) {
      if (run_steps < 1)
        refuse_schedule("a run of known length for amplitude horizon", std::to_string(run_steps) + " steps");
      horizon_ = std::pow(static_cast<double>(run_steps), -spec.power);
    }
    if (spec.kind == AmplitudeKind::kLinear && spec.end <= spec.start) {
      refuse_schedule("amplitude linear with start < end",
                      std::to_string(spec.start) + " and " + std::to_string(spec.end));
    }
  }

  double at(std::int64_t step) const {
    switch (spec_.kind) {
      case AmplitudeKind::kConstant:
        return 1;
      case AmplitudeKind::kHorizon:
        return horizon_;
      case AmplitudeKind::kDecay:
        return std::pow(static_cast<double>(step) + 1, -spec_.power);
      case AmplitudeKind::kLinear:
        break;
    }
    if (step <= spec_.start) return spec_.from;
    if (step >= spec_.end) return spec_.to;
    const double part = static_cast<double>(step - spec_.start) / static_cast<double>(spec_.end - spec_.start);
    return spec_.from + part * (spec_.to - spec_.from);
  }

 private:
  AmplitudeSpec spec_;
  double horizon_ = 1;
};

// The steps [from, until); no `until`: for ever.
struct Window {
  explicit Window(const ScheduleSpec& spec) : from(spec.from), until(spec.until) {
    require_at_least("from", from, 0);
    if (until) require_at_least("until (which is not before from)", *until, from);
  }
  bool contains(std::int64_t step) const { return step >= from && (!until || step < *until); }

  std::int64_t from;
  std::optional<std::int64_t> until;
};

// A built-in schedule: a question about the step, and an amplitude.
template <class Fires>
class BuiltIn : public Schedule {
 public:
  BuiltIn(Fires fires, Amplitude amplitude) : fires_(std::move(fires)), amplitude_(std::move(amplitude)) {}
  bool fires(std::int64_t step) const override { return step >= 0 && fires_(step); }
  double amplitude(std::int64_t step) const override { return amplitude_.at(step); }

 private:
  Fires fires_;
  Amplitude amplitude_;
};

template <class Fires>
std::unique_ptr<Schedule> built_in(Fires fires, const Amplitude& amplitude) {
  return std::make_unique<BuiltIn<Fires>>(std::move(fires), amplitude);
}

std::unique_ptr<Schedule> make_every(const ScheduleSpec& spec, const Amplitude& amplitude) {
  require_at_least("interval", spec.interval, 1);
  const std::int64_t interval = spec.interval, residue = (spec.offset % interval + interval) % interval;
  return built_in([=, window = Window(spec)](std::int64_t t) { return window.contains(t) && t % interval == residue; },
                  amplitude);
}

std::unique_ptr<Schedule> make_at(std::vector<std::int64_t> steps, const Amplitude& amplitude) {
  for (std::int64_t step : steps) require_at_least("a step", step, 0);
  std::sort(steps.begin(), steps.end());
  return built_in(
      [steps = std::move(steps)](std::int64_t t) { return std::binary_search(steps.begin(), steps.end(), t); },
      amplitude);
}

std::unique_ptr<Schedule> make_probability(const ScheduleSpec& spec, std::uint64_t coin_key,
                                           const Amplitude& amplitude) {
  const double p = spec.probability;
  if (!(p >= 0 && p <= 1)) refuse_schedule("a probability from 0 to 1", std::to_string(p));
  return built_in(
      [=, window = Window(spec)](std::int64_t t) {
        return window.contains(t) && uniform_at(make_stream(coin_key, t, kFiringCoins), 0) < p;
      },
      amplitude);
}

// A subset of {0 .. span-1} of size `count`, all equally likely: Floyd's algorithm (Bentley 1987, "A sample of
// brilliance"), which draws one number a member. Sorted.
std::vector<std::int64_t> random_subset(std::int64_t count, std::int64_t span, std::uint64_t coin_key) {
  std::vector<std::int64_t> members;
  members.reserve(static_cast<std::size_t>(count));
  std::unordered_set<std::int64_t> taken;
  for (std::int64_t last = span - count; last < span; ++last) {
    const double u = uniform_at({coin_key, 0, kSubsetCoins}, static_cast<std::uint64_t>(last));
    const auto draw = std::min(last, static_cast<std::int64_t>(u * (static_cast<double>(last) + 1)));
    const std::int64_t member = taken.contains(draw) ? last : draw;
    taken.insert(member);
    members.push_back(member);
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::unique_ptr<Schedule> make_budget(const ScheduleSpec& spec, const ScheduleContext& context,
                                      const Amplitude& amplitude) {
  require_at_least("count", spec.count, 0);
  Window window(spec);
  if (!window.until) {
    if (context.run_steps < 1) refuse_schedule("budget with until, or a run of known length", "neither");
    window.until = std::max(context.run_steps, window.from);
  }
  const std::int64_t from = window.from, count = spec.count, span = *window.until - from;
  if (count > span) {
    refuse_schedule("a budget that fits its steps", std::to_string(count) + " in " + std::to_string(span) + " steps");
  }
  if (spec.spread == Spread::kRandom) {
    std::vector<std::int64_t> steps = random_subset(count, span, context.coin_key);
    for (std::int64_t& step : steps) step += from;
    return make_at(std::move(steps), amplitude);
  }
  // Some k has floor(k*span/count) == i  <=>  ceil(i*count/span) < ceil((i+1)*count/span).
  return built_in(
      [=](std::int64_t t) {
        if (!window.contains(t)) return false;
        const auto members_before = [=](std::int64_t i) {
          return (static_cast<unsigned __int128>(i) * static_cast<unsigned __int128>(count) +
                  static_cast<unsigned __int128>(span) - 1) /
                 static_cast<unsigned __int128>(span);
        };
        return members_before(t - from) < members_before(t - from + 1);
      },
      amplitude);
}

// A user's schedule under the spec's amplitude.
class Scaled : public Schedule {
 public:
  Scaled(std::unique_ptr<Schedule> schedule, Amplitude amplitude)
      : schedule_(std::move(schedule)), amplitude_(std::move(amplitude)) {}
  bool fires(std::int64_t step) const override { return schedule_->fires(step); }
  double amplitude(std::int64_t step) const override { return amplitude_.at(step) * schedule_->amplitude(step); }

 private:
  std::unique_ptr<Schedule> schedule_;
  Amplitude amplitude_;
};

const std::vector<std::string>& built_in_kinds() {
  static const std::vector<std::string> kinds = {"every", "at", "probability", "once", "budget"};
  return kinds;
}

struct Registered {
  ScheduleFactory factory;
  std::vector<std::string> parameter_names;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Registered> schedules;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

std::optional<Registered> find_registered(const std::string& name) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto found = r.schedules.find(name);
  return found == r.schedules.end() ? std::nullopt : std::optional(found->second);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

std::unique_ptr<Schedule> make_custom(const ScheduleSpec& spec, const ScheduleContext& context,
                                      const Amplitude& amplitude) {
  const std::optional<Registered> entry = find_registered(spec.custom);
  if (!entry) refuse_schedule("one of " + joined(schedule_kinds()), "'" + spec.custom + "'");
  for (const auto& [name, value] : spec.parameters) {
    if (std::find(entry->parameter_names.begin(), entry->parameter_names.end(), name) == entry->parameter_names.end()) {
      refuse_schedule("parameters of " + spec.custom + " (" + joined(entry->parameter_names) + ")", "'" + name + "'");
    }
  }
  std::unique_ptr<Schedule> schedule = entry->factory(spec, context);
  if (!schedule) refuse_schedule("a schedule from the factory of " + spec.custom, "a null pointer");
  return std::make_unique<Scaled>(std::move(schedule), amplitude);
}

}  // namespace

Schedule::~Schedule() = default;
double Schedule::amplitude(std::int64_t) const { return 1; }

std::unique_ptr<Schedule> make_schedule(const ScheduleSpec& spec, const ScheduleContext& context) {
  const Amplitude amplitude(spec.amplitude, context.run_steps);
  if (!spec.custom.empty()) return make_custom(spec, context, amplitude);
  switch (spec.kind) {
    case ScheduleKind::kEvery:
      return make_every(spec, amplitude);
    case ScheduleKind::kAt:
      return make_at(spec.steps, amplitude);
    case ScheduleKind::kProbability:
      return make_probability(spec, context.coin_key, amplitude);
    case ScheduleKind::kOnce:
      return make_at({spec.step}, amplitude);
    case ScheduleKind::kBudget:
      return make_budget(spec, context, amplitude);
  }
  refuse_schedule("a known kind", std::to_string(static_cast<int>(spec.kind)));
}

void register_schedule(std::string name, ScheduleFactory factory, std::vector<std::string> parameter_names) {
  if (name.empty() || !factory)
    refuse_schedule("a name and a factory to register", name.empty() ? "no name" : "no factory");
  const auto& kinds = built_in_kinds();
  if (std::find(kinds.begin(), kinds.end(), name) != kinds.end())
    refuse_schedule("a new name", "the built-in '" + name + "'");
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  if (!r.schedules.try_emplace(name, Registered{std::move(factory), std::move(parameter_names)}).second) {
    refuse_schedule("a new name", "'" + name + "', which is registered already");
  }
}

std::vector<std::string> schedule_kinds() {
  std::vector<std::string> kinds = built_in_kinds();
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  for (const auto& [name, entry] : r.schedules) kinds.push_back(name);
  return kinds;
}

std::vector<std::string> schedule_parameters(const std::string& name) {
  const std::optional<Registered> entry = find_registered(name);
  return entry ? entry->parameter_names : std::vector<std::string>{};
}

}  // namespace gradquake

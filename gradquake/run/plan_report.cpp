#include "gradquake/run/plan_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace gradquake::run {
namespace {

constexpr std::size_t kFirings = 5;

std::string direction_text(Direction direction) {
  if (direction == Direction::kBoth) return "both";
  return direction == Direction::kForward ? "forward" : "backward";
}

std::string perturbation_text(const PerturbationSpec& spec) {
  std::string text = fmt::format("{} scale {:g}", spec.kind, spec.scale);
  if (spec.mean != 0) text += fmt::format(" mean {:g}", spec.mean);
  if (spec.relative_to == RelativeTo::kRms) text += " x RMS";
  switch (spec.draw) {
    case DrawMode::kPerStep:
      return text + ", one draw per step";
    case DrawMode::kPerSample:
      return text + ", one draw per sample";
    case DrawMode::kPerFeature:
      return text + ", one draw per feature";
    case DrawMode::kPerElement:
      break;
  }
  return text + ", one draw per element";
}

std::string range_text(const ScheduleSpec& schedule) {
  std::string text;
  if (schedule.from > 0) text += fmt::format(" from step {}", schedule.from);
  if (schedule.until) text += fmt::format(" until step {}", *schedule.until);
  return text;
}

std::string amplitude_text(const AmplitudeSpec& amplitude) {
  switch (amplitude.kind) {
    case AmplitudeKind::kHorizon:
      return fmt::format(", amplitude T^-{:g}", amplitude.power);
    case AmplitudeKind::kDecay:
      return fmt::format(", amplitude (t+1)^-{:g}", amplitude.power);
    case AmplitudeKind::kLinear:
      return fmt::format(", amplitude {:g} to {:g} over steps {} to {}", amplitude.from, amplitude.to, amplitude.start,
                         amplitude.end);
    case AmplitudeKind::kConstant:
      break;
  }
  return "";
}

}  // namespace

std::string schedule_text(const ScheduleSpec& schedule) {
  const std::string amplitude = amplitude_text(schedule.amplitude);
  if (!schedule.custom.empty()) return schedule.custom + amplitude;
  switch (schedule.kind) {
    case ScheduleKind::kEvery: {
      std::string text = schedule.interval == 1 ? "every step" : fmt::format("every {} steps", schedule.interval);
      if (schedule.offset != 0) text += fmt::format(" at offset {}", schedule.offset);
      return text + range_text(schedule) + amplitude;
    }
    case ScheduleKind::kAt:
      return fmt::format("at {} steps", schedule.steps.size()) + amplitude;
    case ScheduleKind::kProbability:
      return fmt::format("with probability {:g}", schedule.probability) + range_text(schedule) + amplitude;
    case ScheduleKind::kOnce:
      return fmt::format("once at step {}", schedule.step) + amplitude;
    case ScheduleKind::kBudget:
      break;
  }
  return fmt::format("{} times, {}", schedule.count, schedule.spread == Spread::kEven ? "evenly" : "at random") +
         range_text(schedule) + amplitude;
}

void print_plan(std::ostream& out, const RunConfig& config, const train::Task& task) {
  out << fmt::format("{}: {} on {}, {} steps, batch {}\n\n", config.run.name, config.model.kind, config.data.kind,
                     task.steps, config.data.batch_size);
  out << fmt::format("{:<20} {:<20} {:<10} {}\n", "site", "shape", "dtype", "occurrences");
  for (const SiteInfo& site : task.sites) {
    out << fmt::format("{:<20} {:<20} {:<10} {}\n", site.name, fmt::format("[{}]", fmt::join(site.shape, ", ")),
                       site.dtype, site.occurrences);
  }
  for (std::size_t i = 0; i < task.plan->rules().size(); ++i) {
    const Rule& rule = task.plan->rules()[i];
    out << fmt::format("\nrule {}: {}, {}\n", rule.label, direction_text(rule.direction),
                       perturbation_text(rule.perturbation));
    out << fmt::format("  sites     {} -> {}\n", rule.sites, fmt::join(task.plan->sites_of(i), ", "));
    const std::vector<std::int64_t> firings = task.plan->first_firings(i, kFirings + 1);
    const std::size_t shown = std::min(kFirings, firings.size());
    out << fmt::format("  schedule  {}\n", schedule_text(rule.schedule));
    out << fmt::format(
        "  fires at  {}{}\n",
        firings.empty()
            ? "no step of this run"
            : fmt::format("{}", fmt::join(firings.begin(), firings.begin() + static_cast<std::ptrdiff_t>(shown), ", ")),
        firings.size() > kFirings ? ", ..." : "");
  }
  if (task.plan->rules().empty()) out << "\nno rules: nothing will be perturbed\n";
}

std::string plan_json(const RunConfig& config, const train::Task& task) {
  nlohmann::ordered_json json;
  json["name"] = config.run.name;
  json["steps"] = task.steps;
  json["sites"] = nlohmann::json::array();
  for (const SiteInfo& site : task.sites) {
    json["sites"].push_back(nlohmann::ordered_json{
        {"name", site.name}, {"shape", site.shape}, {"dtype", site.dtype}, {"occurrences", site.occurrences}});
  }
  json["rules"] = nlohmann::json::array();
  for (std::size_t i = 0; i < task.plan->rules().size(); ++i) {
    const Rule& rule = task.plan->rules()[i];
    json["rules"].push_back(nlohmann::ordered_json{{"label", rule.label},
                                                   {"sites", task.plan->sites_of(i)},
                                                   {"direction", direction_text(rule.direction)},
                                                   {"kind", rule.perturbation.kind},
                                                   {"scale", rule.perturbation.scale},
                                                   {"schedule", schedule_text(rule.schedule)},
                                                   {"first_firings", task.plan->first_firings(i, kFirings)}});
  }
  return json.dump(2);
}

}  // namespace gradquake::run

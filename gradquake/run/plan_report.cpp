#include "gradquake/run/plan_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"
#include "gradquake/run/kind_groups.h"

namespace gradquake::run {
namespace {

constexpr std::size_t kFirings = 5;

std::string schedule_words(const Rule& rule, const train::Task& task) {
  return make_schedule(rule.schedule, {.run_steps = task.steps})->describe();
}

// {"kind": "gaussian", "scale": 0.1, ...}: the parameters that the kind has.
nlohmann::ordered_json perturbation_json(const KindSpec& spec) {
  nlohmann::ordered_json json{{"kind", spec.kind}};
  for (const auto& [name, value] : perturbations().complete(spec).values) {
    const bool nested = std::holds_alternative<std::vector<KindSpec>>(value.held());
    json[name] = nested ? nlohmann::ordered_json(value.text()) : value_json(value);
  }
  return json;
}

bool can_be_perturbed(const SiteInfo& site) { return site.dtype.find("float") != std::string::npos; }

void print_sites(std::ostream& out, const train::Task& task) {
  std::size_t width = 20;
  for (const SiteInfo& site : task.sites) width = std::max(width, site.name.size());
  out << fmt::format("{:<{}} {:<20} {:<10} {}\n", "site", width, "shape", "dtype", "occurrences");
  for (const SiteInfo& site : task.sites) {
    out << fmt::format("{:<{}} {:<20} {:<10} {}{}\n", site.name, width,
                       fmt::format("[{}]", fmt::join(site.shape, ", ")), site.dtype, site.occurrences,
                       can_be_perturbed(site) ? "" : "  cannot be perturbed: not of a floating dtype");
  }
  if (task.beneath.empty()) return;
  out << fmt::format("and {} beneath them, such as {}: a glob that names them so asks for them, --json lists them\n",
                     task.beneath.size(), task.beneath.back().name);
}

nlohmann::ordered_json sites_json(const std::vector<SiteInfo>& sites) {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const SiteInfo& site : sites) {
    list.push_back(nlohmann::ordered_json{
        {"name", site.name}, {"shape", site.shape}, {"dtype", site.dtype}, {"occurrences", site.occurrences}});
    if (!can_be_perturbed(site)) list.back()["cannot_be_perturbed"] = "not of a floating dtype";
  }
  return list;
}

}  // namespace

void print_plan(std::ostream& out, const RunConfig& config, const train::Task& task) {
  out << fmt::format("{}: {} on {}, {} steps, batch {}\n\n", config.run.name, config.model.spec.kind,
                     config.data.spec.kind, task.steps, config.data.batch_size);
  print_sites(out, task);
  for (const std::string& note : task.notes) out << "note: " << note << '\n';
  for (std::size_t i = 0; i < task.plan->rules().size(); ++i) {
    const Rule& rule = task.plan->rules()[i];
    const std::string what = rule.target == Target::kActivation ? to_text(rule.direction) : to_text(rule.target);
    out << fmt::format("\nrule {}: {}, {}\n", rule.label, what, describe_perturbation(rule.perturbation));
    out << fmt::format("  {}     {} -> {}\n", rule.target == Target::kActivation ? "sites" : "names", rule.sites,
                       fmt::join(task.plan->sites_of(i), ", "));
    if (const auto per = task.plan->memory().per(i)) out << fmt::format("  memory    {}\n", to_text(*per));
    const std::vector<std::int64_t> firings = task.plan->first_firings(i, kFirings + 1);
    const std::size_t shown = std::min(kFirings, firings.size());
    out << fmt::format("  schedule  {}\n", schedule_words(rule, task));
    out << fmt::format(
        "  fires at  {}{}\n",
        firings.empty()
            ? "no step of this run"
            : fmt::format("{}", fmt::join(firings.begin(), firings.begin() + static_cast<std::ptrdiff_t>(shown), ", ")),
        firings.size() > kFirings ? ", ..." : "");
    if (task.plan->is_idle(i)) out << "  idle      it changes nothing in this run\n";
  }
  if (task.plan->rules().empty()) out << "\nno rules: nothing will be perturbed\n";
}

std::string plan_json(const RunConfig& config, const train::Task& task) {
  nlohmann::ordered_json json;
  json["name"] = config.run.name;
  json["steps"] = task.steps;
  json["sites"] = sites_json(task.sites);
  json["beneath"] = sites_json(task.beneath);
  if (!task.notes.empty()) json["notes"] = task.notes;
  if (task.operator_sites) {
    json["no_sites"] = nlohmann::json::array();
    for (const SkippedOperator& one : task.operator_sites->skipped())
      json["no_sites"].push_back(nlohmann::ordered_json{{"name", one.name}, {"why", one.why}, {"times", one.times}});
  }
  json["rules"] = nlohmann::json::array();
  for (std::size_t i = 0; i < task.plan->rules().size(); ++i) {
    const Rule& rule = task.plan->rules()[i];
    nlohmann::ordered_json one{{"label", rule.label},
                               {"sites", task.plan->sites_of(i)},
                               {"target", to_text(rule.target)},
                               {"direction", to_text(rule.direction)}};
    one.update(perturbation_json(rule.perturbation));
    if (const auto per = task.plan->memory().per(i)) one["memory"] = to_text(*per);
    one["schedule"] = schedule_words(rule, task);
    one["idle"] = task.plan->is_idle(i);
    one["first_firings"] = task.plan->first_firings(i, kFirings);
    json["rules"].push_back(std::move(one));
  }
  return json.dump(2);
}

}  // namespace gradquake::run

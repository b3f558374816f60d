#include "gradquake/compare/compare_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gradquake/config/kind_reader.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/sites/glob.h"

namespace gradquake::compare {
namespace {

// `drawn`: the key of the first and the most.
Sampling read_sampling(config::Reader reader, const std::string& drawn, Sampling sampling, std::int64_t least_batches) {
  const Sampling def = sampling;
  sampling.batches = reader.integer("batches", def.batches, least_batches, 1 << 20);
  const auto range = reader.integers(drawn, {def.least, def.most}, 2, 1 << 20);
  if (range.size() != 2 || range[0] > range[1])
    reader.fail(drawn, "expected two numbers, the first and the most, such as [" + std::to_string(def.least) + ", " +
                           std::to_string(def.most) + "]");
  sampling.least = range[0];
  sampling.most = range[1];
  sampling.width = reader.number("width", def.width, config::Range::positive());
  reader.finish();
  return sampling;
}

OutcomeConfig read_outcome(config::Reader reader) {
  OutcomeConfig outcome;
  outcome.steps = reader.integer("steps", outcome.steps, 1, std::int64_t{1} << 40);
  const auto seeds = reader.integers("seeds", {outcome.least, outcome.most}, 2, 1 << 20);
  if (seeds.size() != 2 || seeds[0] > seeds[1])
    reader.fail("seeds", "expected two numbers, the first and the most, such as [5, 30]");
  outcome.least = seeds[0];
  outcome.most = seeds[1];
  outcome.relative_size = reader.number("relative_size", outcome.relative_size, config::Range::positive());
  reader.finish();
  return outcome;
}

BudgetConfig read_budget(config::Reader reader) {
  BudgetConfig budget;
  budget.cost = reader.number("cost", budget.cost, config::Range::positive());
  budget.steps = reader.integer("steps", budget.steps, 2, std::int64_t{1} << 40);
  budget.seeds = reader.integer("seeds", budget.seeds, 2, 1 << 20);
  budget.burst = reader.number("burst", budget.burst, config::Range::positive());
  reader.finish();
  return budget;
}

void read_at(config::Reader& compare, CompareConfig& result) {
  if (compare.is_mapping("at")) {
    config::Reader at = compare.section("at");
    at.require("run");
    result.at_run = at.text("run", "");
    at.finish();
    result.at = {};
    return;
  }
  result.at = compare.integers("at", result.at, 0);
  if (result.at.empty()) compare.fail("at", "expected a step at least, got none");
  std::sort(result.at.begin(), result.at.end());
  result.at.erase(std::unique(result.at.begin(), result.at.end()), result.at.end());
}

// Of a parameter that has a default, as a complete spec holds it.
std::string default_text(const Parameter& parameter) {
  const auto* const specs = std::get_if<std::vector<KindSpec>>(&parameter.default_value->held());
  if (parameter.type != ParameterType::kKind || specs == nullptr) return parameter.default_value->text();
  return KindValue(parameter.group().complete(specs->front())).text();
}

ComparedKind compared(KindSpec spec) {
  std::vector<std::string> usual;  // not worth saying
  for (const Parameter& parameter : perturbations().find(spec.kind).parameters) {
    const KindValue* const value = spec.find(parameter.name);
    if (value == nullptr) continue;
    const bool set_here = parameter.name == "scale" || parameter.name == "relative_to";
    const bool left_out = value->is_null() || (parameter.default_value && default_text(parameter) == value->text());
    if (set_here || left_out) usual.push_back(parameter.name);
  }
  ComparedKind kind{std::move(spec), "", false};
  kind.label = words_of(kind.spec, usual);
  kind.sized = kind.spec.has("scale");
  return kind;
}

std::vector<ComparedKind> read_kinds(config::Reader& compare) {
  std::vector<ComparedKind> kinds;
  for (config::Reader& reader : compare.list("kinds")) {
    kinds.push_back(compared(config::read_kind(reader, perturbations(), "gaussian")));
    const ComparedKind& last = kinds.back();
    for (const char* own : {"scale", "relative_to"})
      if (last.sized && reader.has(own))
        reader.fail(own, "expected no key of this name here: compare.relative_sizes says how large it is");
    reader.finish();
    for (std::size_t i = 0; i + 1 < kinds.size(); ++i)
      if (kinds[i].label == last.label) reader.fail("kind", "expected each kind once, got '" + last.label + "' twice");
  }
  if (kinds.empty()) kinds.push_back(compared(perturbations().complete("gaussian")));
  return kinds;
}

}  // namespace

KindSpec ComparedKind::at(double relative_size) const {
  KindSpec own = spec;
  if (!sized) return own;
  if (own.has("relative_to")) own.set("relative_to", to_text(RelativeTo::kRms));
  own.set("scale", 1.0);
  const std::optional<ElementMoments> unit = make_perturbation(own)->moments();
  const double scale = unit ? relative_size / std::sqrt(unit->second) : relative_size;
  own.set("scale", scale);
  if (own.has("mean")) own.set("mean", scale * own.number("mean"));
  return own;
}

CompareConfig read_compare(config::Reader reader) {
  CompareConfig compare;
  compare.sites = reader.text("sites", compare.sites);
  try {
    const Glob checked(compare.sites);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    reader.fail("sites", message.substr(message.find("] ") + 2));  // without the room
  }
  read_at(reader, compare);
  compare.share = reader.number("share", compare.share, config::Range::positive());
  compare.screen = read_sampling(reader.section("screen"), "vectors", compare.screen, 1);
  compare.kinds = read_kinds(reader);
  compare.relative_sizes = reader.numbers("relative_sizes", compare.relative_sizes, config::Range::positive());
  if (compare.relative_sizes.empty()) reader.fail("relative_sizes", "expected a size at least, got none");
  std::sort(compare.relative_sizes.begin(), compare.relative_sizes.end());
  compare.outcome = read_outcome(reader.section("outcome"));
  compare.has_budget = reader.has("budget");
  if (compare.has_budget) compare.budget = read_budget(reader.section("budget"));
  compare.one_out = reader.boolean("one_out", compare.one_out);
  compare.bound = reader.boolean("bound", compare.bound);
  compare.probe = read_sampling(reader.section("probe"), "repeats", compare.probe, 2);
  reader.finish();
  return compare;
}

}  // namespace gradquake::compare

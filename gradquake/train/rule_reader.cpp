#include "gradquake/train/rule_reader.h"

#include "gradquake/config/enum_reader.h"
#include "gradquake/config/kind_reader.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"

namespace gradquake::train {
namespace {

using config::Reader;

std::string read_label(Reader& reader, const std::vector<PlacedRule>& before) {
  std::string label = reader.text("label", std::to_string(before.size()));
  if (label.empty()) reader.fail("label", "expected a label, got ''");
  for (const PlacedRule& other : before) {
    if (other.rule.label != label) continue;
    reader.fail("label", "expected a label of its own, got '" + label + "', which the rule at " + other.place("sites") +
                             " has (an unlabelled rule's label is its position)");
  }
  return label;
}

}  // namespace

std::string PlacedRule::place(const std::string& key) const {
  const auto known = places.find(key);
  return known == places.end() ? places.at("kind") : known->second;
}

std::vector<PlacedRule> read_rules(Reader root) {
  std::vector<PlacedRule> rules;
  for (Reader& reader : root.list("perturbations")) {
    PlacedRule placed;
    const auto place = [&](const std::string& key) {
      placed.places[key] = reader.place(key) + ": " + reader.dotted(key);
    };
    for (const char* key : {"label", "sites", "target", "direction", "kind", "schedule", "gradient"}) place(key);
    placed.rule.label = read_label(reader, rules);
    reader.require("sites");
    placed.rule.sites = reader.text("sites", "*");
    placed.rule.target = config::read_enum(reader, "target", placed.rule.target);
    if (placed.rule.target == Target::kWeightGradient) placed.rule.direction = Direction::kBackward;
    placed.rule.direction = config::read_enum(reader, "direction", placed.rule.direction);
    placed.rule.perturbation = config::read_kind(reader, perturbations(), placed.rule.perturbation.kind);
    for (const NamedValue& parameter : placed.rule.perturbation.values) place(parameter.name);
    placed.rule.schedule = config::read_kind_section(reader, "schedule", schedules(), placed.rule.schedule.kind);
    placed.rule.gradient = config::read_enum(reader, "gradient", placed.rule.gradient);
    placed.rule.may_be_idle = reader.boolean("may_be_idle", placed.rule.may_be_idle);
    reader.finish();
    rules.push_back(std::move(placed));
  }
  return rules;
}

}  // namespace gradquake::train

#include "gradquake/train/rule_reader.h"

#include <algorithm>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/schedule.h"

namespace gradquake::train {
namespace {

using config::Range;
using config::Reader;

template <class T>
T pick(Reader& reader, const std::string& key, const std::string& def,
       const std::vector<std::pair<std::string, T>>& table) {
  std::vector<std::string> names;
  for (const auto& row : table) names.push_back(row.first);
  const std::string name = reader.choice(key, def, names);
  return std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == name; })->second;
}

AmplitudeSpec read_amplitude(Reader& schedule) {
  AmplitudeSpec amplitude;
  if (schedule.is_scalar("amplitude")) {
    schedule.choice("amplitude", "constant", {"constant"});
    return amplitude;
  }
  Reader reader = schedule.section("amplitude");
  amplitude.kind = pick<AmplitudeKind>(reader, "kind", "constant",
                                       {{"constant", AmplitudeKind::kConstant},
                                        {"horizon", AmplitudeKind::kHorizon},
                                        {"decay", AmplitudeKind::kDecay},
                                        {"linear", AmplitudeKind::kLinear}});
  if (amplitude.kind == AmplitudeKind::kHorizon || amplitude.kind == AmplitudeKind::kDecay) {
    reader.require("power");
    amplitude.power = reader.number("power", amplitude.power, Range::any());
  } else if (amplitude.kind == AmplitudeKind::kLinear) {
    amplitude.from = reader.number("from", amplitude.from, Range::any());
    amplitude.to = reader.number("to", amplitude.to, Range::any());
    amplitude.start = reader.integer("start", amplitude.start, 0);
    reader.require("end");
    amplitude.end = reader.integer("end", amplitude.end, amplitude.start + 1);
  }
  reader.finish();
  return amplitude;
}

void read_interval(Reader& reader, ScheduleSpec& spec) {
  spec.from = reader.integer("from", spec.from, 0);
  spec.until = reader.integer_or_null("until", spec.until, spec.from);
}

ScheduleSpec read_schedule(Reader reader) {
  ScheduleSpec spec;
  const std::string kind = reader.choice("kind", "every", schedule_kinds());
  if (kind == "every") {
    spec.kind = ScheduleKind::kEvery;
    spec.interval = reader.integer("interval", spec.interval, 1);
    spec.offset = reader.integer("offset", spec.offset, 0);
    read_interval(reader, spec);
  } else if (kind == "at") {
    spec.kind = ScheduleKind::kAt;
    reader.require("steps");
    spec.steps = reader.integers("steps", {}, 0);
  } else if (kind == "probability") {
    spec.kind = ScheduleKind::kProbability;
    reader.require("p");
    spec.probability = reader.number("p", spec.probability, Range::unit());
    read_interval(reader, spec);
  } else if (kind == "once") {
    spec.kind = ScheduleKind::kOnce;
    reader.require("step");
    spec.step = reader.integer("step", spec.step, 0);
  } else if (kind == "budget") {
    spec.kind = ScheduleKind::kBudget;
    reader.require("count");
    spec.count = reader.integer("count", spec.count, 0);
    spec.spread = pick<Spread>(reader, "spread", "even", {{"even", Spread::kEven}, {"random", Spread::kRandom}});
    read_interval(reader, spec);
  } else {
    spec.custom = kind;
    for (const std::string& name : schedule_parameters(kind)) {
      reader.require(name);
      spec.parameters[name] = reader.number(name, 0, Range::any());
    }
  }
  spec.amplitude = read_amplitude(reader);
  reader.finish();
  return spec;
}

PerturbationSpec read_perturbation(Reader& reader) {
  PerturbationSpec spec;
  spec.kind = reader.choice("kind", spec.kind, perturbation_kinds());
  // Noise is symmetric; a constant's scale is its value.
  const bool noise = spec.kind == "gaussian" || spec.kind == "uniform" || spec.kind == "rademacher";
  spec.scale = reader.number("scale", 0.1, noise ? Range::non_negative() : Range::any());
  spec.mean = reader.number("mean", spec.mean, Range::any());
  spec.relative_to =
      pick<RelativeTo>(reader, "relative_to", "none", {{"none", RelativeTo::kNone}, {"rms", RelativeTo::kRms}});
  spec.draw = pick<DrawMode>(reader, "draw", "per_element",
                             {{"per_step", DrawMode::kPerStep},
                              {"per_sample", DrawMode::kPerSample},
                              {"per_feature", DrawMode::kPerFeature},
                              {"per_element", DrawMode::kPerElement}});
  for (const std::string& name : perturbation_parameters(spec.kind)) {
    reader.require(name);
    spec.parameters[name] = reader.number(name, 0, Range::any());
  }
  return spec;
}

std::string read_label(Reader& reader, const std::vector<PlacedRule>& before) {
  std::string label = reader.text("label", std::to_string(before.size()));
  if (label.empty()) reader.fail("label", "expected a label, got ''");
  for (const PlacedRule& other : before) {
    if (other.rule.label != label) continue;
    reader.fail("label", "expected a label of its own, got '" + label + "', which the rule at " + other.place +
                             " has (an unlabelled rule's label is its position)");
  }
  return label;
}

}  // namespace

std::vector<PlacedRule> read_rules(Reader root) {
  std::vector<PlacedRule> rules;
  for (Reader& reader : root.list("perturbations")) {
    PlacedRule placed;
    placed.place = reader.place("sites") + ": " + reader.dotted("sites");
    placed.rule.label = read_label(reader, rules);
    reader.require("sites");
    placed.rule.sites = reader.text("sites", "*");
    placed.rule.direction = pick<Direction>(
        reader, "direction", "forward",
        {{"forward", Direction::kForward}, {"backward", Direction::kBackward}, {"both", Direction::kBoth}});
    placed.rule.perturbation = read_perturbation(reader);
    placed.rule.schedule = read_schedule(reader.section("schedule"));
    reader.finish();
    rules.push_back(std::move(placed));
  }
  return rules;
}

}  // namespace gradquake::train

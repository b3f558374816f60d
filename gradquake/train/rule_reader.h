// Reads `perturbations:`, the list of rules, into the torch-free structs of hooks/rule.h.
//
//   - {label: late, sites: "layers.[12]", target: activation, direction: forward, gradient: identity,
//      kind: gaussian, scale: 0.1, mean: 0, relative_to: none, draw: per_element,
//      schedule: {kind: every, interval: 100, amplitude: {kind: decay, power: 0.5}}, may_be_idle: false}
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"

namespace gradquake::train {

struct PlacedRule {
  Rule rule;
  std::map<std::string, std::string> places;  // by key

  // "digits.yaml:12: perturbations.0.sites", for errors that only the plan reveals.
  std::string place(const std::string& key) const;
};

// `root`: the reader of the whole config. Label and sites are checked against the model later, by Plan.
GRADQUAKE_EXPORT std::vector<PlacedRule> read_rules(config::Reader root);

}  // namespace gradquake::train

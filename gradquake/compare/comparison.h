// What `gradquake compare` finds, as text, JSON, CSV and a picture.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gradquake/compare/budget.h"
#include "gradquake/compare/outcome.h"
#include "gradquake/compare/probe.h"
#include "gradquake/compare/screen.h"
#include "gradquake/hooks/export.h"

namespace gradquake::compare {

struct Comparison {
  std::string name;  // of the run
  double share = 0.1;
  struct At {
    std::int64_t step;
    Screen screen;
    Probe probe;  // empty: only the screen was asked for
  };
  std::vector<At> at;  // by step; empty: only the outcome was asked for
  std::optional<Outcome> outcome;
  std::optional<Budget> budget;
};

GRADQUAKE_EXPORT void print_comparison(std::ostream& out, const Comparison& comparison);
GRADQUAKE_EXPORT nlohmann::ordered_json comparison_json(const Comparison& comparison);
// A row a step, site, direction, kind and size; site * for all at once. Empty where nothing was probed.
GRADQUAKE_EXPORT std::string probe_csv(const Comparison& comparison);
// A row a network that was trained; empty where none was.
GRADQUAKE_EXPORT std::string outcome_csv(const Comparison& comparison);
// A row a kind, site and direction; empty where none was asked for.
GRADQUAKE_EXPORT std::string budget_csv(const Comparison& comparison);
// A row a step, site and direction.
GRADQUAKE_EXPORT std::string screen_csv(const Comparison& comparison);
// Of the last step, a row a site: in each direction its gain and, where it was probed, the measured relative error of
// each kind and size; the reason where there is none.
GRADQUAKE_EXPORT std::string map_svg(const Comparison& comparison);

}  // namespace gradquake::compare

// How a comparison's figures are written: in its tables, its JSON and its CSV. Internal to compare/.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gradquake/compare/budget.h"
#include "gradquake/compare/interval.h"
#include "gradquake/compare/outcome.h"
#include "gradquake/report/csv.h"

namespace gradquake::compare {

// "2.1 [1.8, 2.5]", "-" without one.
std::string text_of(const std::optional<Interval>& figure);
// {estimate, low, high}, or null.
nlohmann::ordered_json json_of(const std::optional<Interval>& figure);
// Three fields: estimate, low, high.
void add_fields(const std::optional<Interval>& figure, std::vector<report::CsvField>& row);

std::string percent(double share);
// Wide enough for a figure with its interval.
std::string column(const std::string& text);

void print_outcome(std::ostream& out, const Outcome& outcome);
nlohmann::ordered_json outcome_json(const Outcome& outcome);
void print_budget(std::ostream& out, const Budget& budget);
nlohmann::ordered_json budget_json(const Budget& budget);

}  // namespace gradquake::compare

#include "gradquake/compare/figures.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gradquake/report/print.h"

namespace gradquake::compare {

std::string text_of(const std::optional<Interval>& figure) {
  if (!figure) return "-";
  return fmt::format("{:.3g} [{:.2g}, {:.2g}]", figure->estimate + 0.0, figure->low + 0.0,
                     figure->high + 0.0);  // no -0
}

nlohmann::ordered_json json_of(const std::optional<Interval>& figure) {
  if (!figure) return nullptr;
  return {{"estimate", figure->estimate}, {"low", figure->low}, {"high", figure->high}};
}

void add_fields(const std::optional<Interval>& figure, std::vector<report::CsvField>& row) {
  for (const auto part : {&Interval::estimate, &Interval::low, &Interval::high})
    row.push_back(figure ? report::CsvField((*figure).*part) : report::CsvField(std::nullopt));
}

std::string percent(double share) { return report::number_text(100 * share) + " %"; }

std::string column(const std::string& text) { return fmt::format("{:<26} ", text); }

}  // namespace gradquake::compare

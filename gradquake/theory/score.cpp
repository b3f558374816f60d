#include "gradquake/theory/score.h"

#include <algorithm>

#include "gradquake/theory/prediction.h"

namespace gradquake::theory {
namespace {

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Score score(std::span<const Comparison> comparisons, bool counts) {
  Score result;
  std::vector<double> ratios;
  for (const Comparison& one : comparisons) {
    if (!one.predicted) {
      ++(one.reason == kNoiseFloor ? result.noise_floor : result.other_without);
      continue;
    }
    if (!one.observed) {
      ++result.unobserved;
      continue;
    }
    ++result.compared;
    result.covered += *one.observed <= *one.predicted ? 1 : 0;
    if (counts)
      ratios.push_back((*one.predicted + 1) / (*one.observed + 1));
    else if (*one.observed > 0)
      ratios.push_back(*one.predicted / *one.observed);
  }
  if (result.compared > 0) result.coverage = static_cast<double>(result.covered) / result.compared;
  result.sharpness = median(std::move(ratios));
  return result;
}

std::vector<Finding> findings(std::span<const Condition> conditions, const std::string& verdict, bool closed_form) {
  std::vector<Finding> found;
  if (verdict != "diverged") return found;
  for (const Condition& condition : conditions) {
    if (!condition.holds.value_or(false)) continue;
    Finding finding;
    finding.condition = condition.name;
    finding.kind = closed_form ? "contradiction" : "misprediction";
    finding.message = condition.name + " holds (" + condition.equation + ", " + condition.variant +
                      ") and yet the run diverged: " +
                      (closed_form ? "every constant is exact, so the code or the theorem is wrong"
                                   : "a constant behind it is an estimate");
    found.push_back(std::move(finding));
  }
  return found;
}

}  // namespace gradquake::theory

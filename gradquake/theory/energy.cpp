#include "gradquake/theory/energy.h"

namespace gradquake::theory {
namespace {

template <class Bound>
Condition compare(const Outcome<Bound>& outcome, Variant variant, const char* equation) {
  Condition row{.name = "energy_budget",
                .equation = equation,
                .variant = to_string(variant),
                .value = {},
                .threshold = {},
                .margin = {},
                .holds = {},
                .note = outcome.reason};
  if (!outcome.bound) {
    if (outcome.reason.starts_with("condition does not hold")) row.holds = false;
    return row;
  }
  row.value = outcome.bound->perturbation_energy + outcome.bound->perturbation_bias;
  row.threshold = outcome.bound->initial_gap + outcome.bound->gradient_noise;
  row.holds = *row.value <= *row.threshold;
  if (*row.value > 0) row.margin = *row.threshold / *row.value;
  return row;
}

}  // namespace

Condition energy_condition(const Outcome<NonconvexBound>& outcome, Variant variant) {
  return compare(outcome, variant, "(34)");
}

Condition energy_condition(const Outcome<PlBound>& outcome, Variant variant) {
  return compare(outcome, variant, "(38)");
}

}  // namespace gradquake::theory

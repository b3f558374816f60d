#include "gradquake/theory/occurrences.h"

#include <algorithm>
#include <cmath>

#include "gradquake/theory/check.h"

namespace gradquake::theory {

std::array<OccurrenceLimit, 4> table1() {
  return {{{false, true, 0.5, 1, "Corollary 2 (49)"},
           {false, false, 0.5, 0.5, "Corollary 4 (51)"},
           {true, true, 0, 1, "Corollary 3 (50)"},
           {true, false, 0, 0, "Corollary 4 (52)"}}};
}

OccurrenceOrder occurrence_order(bool pl, bool zero_mean, std::int64_t T, std::int64_t Q_delta, std::int64_t Q_eps,
                                 Variant variant) {
  require(T >= 2, "T >= 2", std::to_string(T));
  require(Q_delta >= 0 && Q_eps >= 0, "occurrence counts >= 0", std::to_string(std::min(Q_delta, Q_eps)));
  const auto t = static_cast<double>(T);
  const auto delta = static_cast<double>(Q_delta);
  const auto eps = static_cast<double>(Q_eps);
  OccurrenceOrder order;
  if (!pl) {
    order.optimization = 1 / std::sqrt(t);
    order.perturbation_energy = (delta + eps) / std::pow(t, 1.5);
    order.perturbation_bias = (zero_mean ? delta : delta + eps) / t;
    order.equation = zero_mean ? "(49)" : "(51)";
  } else {
    const double rate = std::log(t) / t;
    order.optimization = rate;
    order.equation = zero_mean ? "(50)" : "(52)";
    if (!zero_mean) {
      order.perturbation_bias = rate * std::max(delta, eps);
    } else {
      order.perturbation_bias = rate * delta;
      order.perturbation_energy = variant == Variant::kPrinted
                                      ? rate * rate * (delta + eps)
                                      : -rate * std::expm1(std::max(delta, eps) * std::log1p(-rate));
    }
  }
  order.value = order.optimization + order.perturbation_energy + order.perturbation_bias;
  return order;
}

std::vector<Condition> occurrence_conditions(bool pl, bool zero_mean, std::int64_t T, std::int64_t Q_delta,
                                             std::int64_t Q_eps) {
  require(T >= 1, "T >= 1", std::to_string(T));
  require(Q_delta >= 0 && Q_eps >= 0, "occurrence counts >= 0", std::to_string(std::min(Q_delta, Q_eps)));
  for (const OccurrenceLimit& limit : table1()) {
    if (limit.pl != pl || limit.zero_mean != zero_mean) continue;
    const auto condition = [&](const std::string& name, std::int64_t Q, double exponent) {
      Condition row{.name = name,
                    .equation = limit.equation,
                    .variant = "printed",
                    .value = static_cast<double>(Q),
                    .threshold = std::pow(static_cast<double>(T), exponent),
                    .margin = {},
                    .holds = {},
                    .note = "an order of magnitude, its constant unknown; a sweep over T decides"};
      if (Q > 0) row.margin = *row.threshold / *row.value;
      return row;
    };
    return {condition("Q_delta", Q_delta, limit.delta_exponent), condition("Q_eps", Q_eps, limit.eps_exponent)};
  }
  return {};
}

}  // namespace gradquake::theory

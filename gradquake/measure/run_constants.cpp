#include "gradquake/measure/run_constants.h"

#include <algorithm>

namespace gradquake::measure {

std::optional<theory::PlProblem> RunConstants::problem(double step_size, std::string* reason) const {
  const auto absent = [&](const std::string& why) {
    *reason = why;
    return std::nullopt;
  };
  if (!not_stated_for.empty()) return absent("not stated for " + not_stated_for);
  if (!smoothness || *smoothness == 0) return absent("smoothness is absent");
  if (!pl || *pl == 0) return absent("pl (mu) is absent");
  if (!gradient_variance) return absent("gradient_variance is absent");
  return theory::PlProblem{.smoothness = *smoothness,
                           .pl = std::min(*pl, *smoothness),
                           .gradient_variance = *gradient_variance,
                           .step_size = step_size};
}

}  // namespace gradquake::measure

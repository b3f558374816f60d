// The metric of section 7.1, from the norms n_t = ||grad f(w_t)||, t = 0 .. T-1:
//   e_0 = n_0, e_t = (1 - weight) e_{t-1} + weight n_t
//   stable gradient norm = mean of e_t over the last floor(T/2) steps
//   stable iteration     = first t with e_t < 1.5 x the stable gradient norm
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::paper {

GRADQUAKE_EXPORT std::vector<double> moving_average(const std::vector<double>& norms, double weight);
GRADQUAKE_EXPORT double stable_norm(const std::vector<double>& averages);
GRADQUAKE_EXPORT std::optional<std::int64_t> stable_iteration(const std::vector<double>& averages, double stable);

}  // namespace gradquake::paper

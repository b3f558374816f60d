// A linear regression problem:
//   W ~ N(0, 1)^[features, outputs],   h_l ~ N(0, I),   y_l = W^T h_l / sqrt(features) + noise * z_l,   z_l ~ N(0, I)
// so that a target's variance is about 1 + noise^2 and the best R^2 about 1 / (1 + noise^2). The same bits on every
// machine for the same arguments.
#pragma once

#include <cstdint>
#include <vector>

namespace gradquake::data {

struct SyntheticLinear {
  std::vector<double> features;  // h, [samples, features]
  std::vector<double> targets;   // y, [samples, outputs]
};

SyntheticLinear make_synthetic_linear(std::int64_t samples, std::int64_t features, std::int64_t outputs, double noise,
                                      std::uint64_t seed);

}  // namespace gradquake::data

// The logistic problem of arXiv 2602.20646, section 7:
//   x*, h_l ~ N(0, I_d),   P(y_l = 1) = 1 / (1 + exp(-h_l^T x*)), else y_l = -1,   l = 1..M
// The same bits on every machine for the same seed, M and d.
#pragma once

#include <cstdint>
#include <vector>

namespace gradquake::data {

struct SyntheticLogistic {
  std::vector<double> solution;  // x*, [features]
  std::vector<double> features;  // h, [samples, features]
  std::vector<double> labels;    // y, [samples], -1 / +1
};

SyntheticLogistic make_synthetic_logistic(std::int64_t samples, std::int64_t features, std::uint64_t seed);

}  // namespace gradquake::data

// The problem of the paper's section 7, (53) and (54):
//   f(w) = 1/M sum_l ln(1 + e^{f_1}) + rho R(w),   f_1 = a_l^T w,   a_l = -y_l h_l
//   R(w) = sum_j w_j^2 / (1 + w_j^2)  (non-convex)  or  ||w||^2  (l2, strongly convex)
// with the data of `data: {kind: synthetic_logistic}` under the same run seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/aligned.h"
#include "gradquake/paper/lane_pass.h"
#include "gradquake/paper/settings.h"

namespace gradquake::paper {

enum class RegularizerKind { kNonconvex, kL2 };

struct Regularizer {
  RegularizerKind kind = RegularizerKind::kNonconvex;
  double weight = 0.001;  // rho >= 0

  double loss(const std::vector<double>& w) const;
  // d/dw_j of rho R at one coordinate: 2 rho w / (1 + w^2)^2 or 2 rho w.
  double gradient(double w) const {
    const double square = 1 + w * w;
    return kind == RegularizerKind::kL2 ? 2 * weight * w : 2 * weight * (w / (square * square));
  }
  double second_derivative(double w) const;
  const char* name() const { return kind == RegularizerKind::kL2 ? "l2" : "nonconvex"; }
};

struct Problem {
  std::size_t samples = 0;       // M
  std::size_t features = 0;      // d
  std::vector<double> mean_row;  // 1/M sum_l a_l, [features]
  AlignedDoubles rows;           // a, [samples padded to kBlock by zeros, features]
  AlignedDoubles columns;        // its transpose

  LaneMatrix matrix() const { return {rows.data(), rows.size() / features, features}; }
  const double* row(std::size_t sample) const { return rows.data() + sample * features; }
};

// 1 <= features <= kMostFeatures, samples >= 1.
GRADQUAKE_EXPORT Problem make_problem(std::size_t samples, std::size_t features, std::uint64_t run_seed);
GRADQUAKE_EXPORT Problem make_problem(const Settings& settings, std::int64_t seed);

// f(w), exact for activations of any size.
GRADQUAKE_EXPORT double loss(const Problem& problem, const Regularizer& regularizer, const std::vector<double>& w);
GRADQUAKE_EXPORT std::vector<double> gradient(const Problem& problem, const Regularizer& regularizer,
                                              const std::vector<double>& w);

GRADQUAKE_EXPORT double norm(const std::vector<double>& vector);

}  // namespace gradquake::paper

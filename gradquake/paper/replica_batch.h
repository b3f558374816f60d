// Up to kLanes replicas of section 7 advanced side by side: w_{t+1} = w_t - gamma (u~_t + r_t + xi_t) from a constant
// w_0.
//
// They share seed, data, run length, direction and draw; each has its own step size, regulariser, magnitude and
// interval. Draws are the library's addressed streams (hooks/stream.h), so a replica is the run that `gradquake train`
// makes of the same settings with run.seed, one rule labelled kRuleLabel at site f1 and optimizer.gradient_noise:
//   forward   delta_l = mean + half_width z_l, added to f_1 before the sigmoid
//   backward  eps_l   = mean + half_width z_l, added to the sigmoid; the mean over the batch is what reaches w
// z_l ~ U[-1, 1), one a step or one a sample; xi_t ~ N(0, noise^2 I).
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/paper/problem.h"

namespace gradquake::paper {

inline constexpr const char* kRuleLabel = "paper";

struct Lane {
  double step_size = 0.1;  // gamma
  Regularizer regularizer;
  double half_width = 0;      // of z; 0 with mean 0: no perturbation
  double mean = 0;            // of the perturbation
  std::int64_t interval = 1;  // fires where step mod interval = 0

  bool fires(std::int64_t step) const { return (half_width != 0 || mean != 0) && step % interval == 0; }
};

struct Batch {
  std::uint64_t seed = 1;
  std::int64_t steps = 0;  // T
  Direction direction = Direction::kBackward;
  DrawMode draw = DrawMode::kPerStep;   // or kPerSample
  double gradient_noise = 0;            // sigma_n
  double initial_weight = 0;            // every coordinate of w_0
  std::vector<Lane> lanes;              // 1 .. kLanes
  std::vector<std::int64_t> snapshots;  // steps t, ascending, <= steps, whose w_t are kept
};

struct GRADQUAKE_EXPORT BatchResult {
  std::vector<double> norms;  // ||grad f(w_t)|| of the exact gradient, t = 0 .. T-1, [steps, kLanes]
  std::vector<std::vector<std::vector<double>>> snapshots;  // w_t, [snapshot][lane][features]

  std::vector<double> norms_of(std::size_t lane) const;
};

GRADQUAKE_EXPORT BatchResult run_batch(const Problem& problem, const Batch& batch);

}  // namespace gradquake::paper

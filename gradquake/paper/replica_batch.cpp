#include "gradquake/paper/replica_batch.h"

#include <array>
#include <cmath>

#include "gradquake/core/seeds.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"

namespace gradquake::paper {
namespace {

using LaneValues = std::array<double, kLanes>;

// The draws of one step, shared by all lanes.
class Draws {
 public:
  Draws(const Problem& problem, const Batch& batch)
      : problem_(problem),
        noise_(batch.gradient_noise),
        rule_key_(stream_key(named_seed(batch.seed, "perturbations"), 0, "f1", batch.direction, kRuleLabel)),
        noise_key_(stream_key(named_seed(batch.seed, "gradient_noise"), 0, "parameter 0", Direction::kBackward,
                              "gradient_noise")),
        z_(problem.matrix().samples, 0),
        xi_(problem.features, 0),
        zeros_(problem.matrix().samples, 0) {}

  // z, one or one a sample.
  const double* uniform(std::int64_t step, DrawMode draw) {
    const std::size_t count = draw == DrawMode::kPerSample ? problem_.samples : 1;
    add_noise(Variate::kUniform, zeros_.data(), z_.data(), count, 0.0, 1.0, make_stream(rule_key_, step), 0);
    return z_.data();
  }

  // 1/M sum_l a_l z_l.
  void mean_product(std::int64_t step, DrawMode draw, std::vector<double>& product) {
    const double* const z = uniform(step, draw);
    if (draw == DrawMode::kPerStep) {
      for (std::size_t j = 0; j < problem_.features; ++j) product[j] = z[0] * problem_.mean_row[j];
      return;
    }
    column_products(problem_.columns.data(), z_.size(), problem_.features, z, product.data());
    for (double& value : product) value /= static_cast<double>(problem_.samples);
  }

  const double* gaussian(std::int64_t step) {
    if (noise_ != 0) {
      add_noise(Variate::kGaussian, zeros_.data(), xi_.data(), problem_.features, 0.0, noise_,
                make_stream(noise_key_, step), 0);
    }
    return xi_.data();
  }

 private:
  const Problem& problem_;
  double noise_;
  std::uint64_t rule_key_, noise_key_;
  std::vector<double> z_, xi_, zeros_;
};

class Replicas {
 public:
  Replicas(const Problem& problem, const Batch& batch)
      : problem_(problem),
        batch_(batch),
        draws_(problem, batch),
        weights_(problem.features * kLanes, batch.initial_weight),
        clean_(problem.features * kLanes, 0),
        shifted_(problem.features * kLanes, 0),
        product_(problem.features, 0) {
    for (std::size_t r = 0; r < kLanes; ++r) lanes_[r] = batch.lanes[r < batch.lanes.size() ? r : 0];
  }

  // One step; norms: [kLanes].
  void advance(std::int64_t step, double* norms) {
    const bool firing = set_firing(step);
    const bool forward = firing && batch_.direction == Direction::kForward;
    if (forward) {
      const LaneShift shift{draws_.uniform(step, batch_.draw), batch_.draw == DrawMode::kPerSample, half_width_.data(),
                            mean_.data()};
      lane_pass(problem_.matrix(), weights_.data(), shift, clean_.data(), shifted_.data());
    } else {
      lane_pass(problem_.matrix(), weights_.data(), clean_.data());
      if (firing) draws_.mean_product(step, batch_.draw, product_);
    }
    update(draws_.gaussian(step), forward ? shifted_.data() : clean_.data(), firing && !forward, norms);
  }

  std::vector<std::vector<double>> weights() const {
    std::vector<std::vector<double>> copy(batch_.lanes.size(), std::vector<double>(problem_.features));
    for (std::size_t r = 0; r < copy.size(); ++r)
      for (std::size_t j = 0; j < problem_.features; ++j) copy[r][j] = weights_[j * kLanes + r];
    return copy;
  }

 private:
  bool set_firing(std::int64_t step) {
    bool any = false;
    for (std::size_t r = 0; r < kLanes; ++r) {
      const bool fires = lanes_[r].fires(step);
      half_width_[r] = fires ? lanes_[r].half_width : 0;
      mean_[r] = fires ? lanes_[r].mean : 0;
      any |= fires;
    }
    return any;
  }

  void update(const double* xi, const double* trained, bool backward, double* norms) {
    const auto samples = static_cast<double>(problem_.samples);
    LaneValues squares{};
    for (std::size_t j = 0; j < problem_.features; ++j) {
      double* const w = weights_.data() + j * kLanes;
      const double product = backward ? product_[j] : 0, mean_row = problem_.mean_row[j];
      for (std::size_t r = 0; r < kLanes; ++r) {
        const double penalty = lanes_[r].regularizer.gradient(w[r]);
        const double exact = clean_[j * kLanes + r] / samples + penalty;
        squares[r] += exact * exact;
        double u = trained[j * kLanes + r] / samples + penalty;
        if (backward) u += half_width_[r] * product + mean_[r] * mean_row;
        w[r] -= lanes_[r].step_size * (u + xi[j]);
      }
    }
    for (std::size_t r = 0; r < kLanes; ++r) norms[r] = std::sqrt(squares[r]);
  }

  const Problem& problem_;
  const Batch& batch_;
  Draws draws_;
  AlignedDoubles weights_, clean_, shifted_;  // [features, kLanes]
  std::vector<double> product_;
  std::array<Lane, kLanes> lanes_;
  LaneValues half_width_{}, mean_{};
};

}  // namespace

std::vector<double> BatchResult::norms_of(std::size_t lane) const {
  std::vector<double> trace(norms.size() / kLanes);
  for (std::size_t t = 0; t < trace.size(); ++t) trace[t] = norms[t * kLanes + lane];
  return trace;
}

BatchResult run_batch(const Problem& problem, const Batch& batch) {
  BatchResult result;
  result.norms.resize(static_cast<std::size_t>(batch.steps) * kLanes);
  Replicas replicas(problem, batch);
  auto next = batch.snapshots.begin();
  for (std::int64_t step = 0; step <= batch.steps; ++step) {
    for (; next != batch.snapshots.end() && *next == step; ++next) result.snapshots.push_back(replicas.weights());
    if (step < batch.steps) replicas.advance(step, result.norms.data() + static_cast<std::size_t>(step) * kLanes);
  }
  return result;
}

}  // namespace gradquake::paper

// The built-in kinds: adds amplitude * R * (mean + scale * z) / divisor, z drawn by address (noise.h).
//
//   draw          address of z
//   per_step      element 0
//   per_sample    the sample's number in the whole batch
//   per_feature   the position within one sample
//   per_element   first_row * (elements of a sample) + the position in the tensor
//
// Positions count in `element_order`: the batch outermost, the other dimensions as the tapped tensor lies in memory.
// One definition for every layout, so the draws do not depend on how a batch is split; the bits neither on threads.
// float32 and float64 on the CPU, laid out in that order, take one fused pass; other layouts a copy each way; other
// dtypes and devices go through float32 (float64 for float64) on the CPU and are rounded once.
#pragma once

#include <string>

#include "gradquake/hooks/perturbation.h"

namespace gradquake {

class NoisePerturbation : public Perturbation {
 public:
  // `spec`: complete, of a kind declared with noise_parameters.
  NoisePerturbation(Variate variate, const KindSpec& spec);

  // Throws std::invalid_argument for per_sample and per_feature where context.rows is 0.
  // Throws too where, without R, a number leaves the range of the tensor's dtype.
  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override;
  bool needs_reference_rms() const override { return relative_to_ == RelativeTo::kRms; }
  std::string describe() const override;
  std::optional<ElementMoments> moments() const override;
  // What is added does not depend on the tensor, unless R does: the slope is 1.
  bool has_slope() const override { return !needs_reference_rms(); }
  Chance chance() const override {
    return variate_ == Variate::kConstant ? Chance::kNone : mean_ == 0 ? Chance::kSymmetric : Chance::kSome;
  }
  Scope scope() const override { return needs_reference_rms() ? Scope::kBatch : Scope::kElement; }

 private:
  template <typename T>
  Perturbed apply_as(const at::Tensor& tensor, const PerturbationContext& context, at::ScalarType dtype) const;

  Variate variate_;
  std::string kind_;
  double scale_, mean_;
  RelativeTo relative_to_;
  DrawMode draw_;
};

// `scale`, then mean, relative_to and draw.
std::vector<Parameter> noise_parameters(Parameter scale);

namespace detail {

// Dimensions from the slowest to the fastest in memory, `batch_dim` first.
std::vector<std::int64_t> element_order(const at::Tensor& tensor, std::int64_t batch_dim);

// A new tensor of the same sizes and, where the tensor is non-overlapping and dense, the same strides.
at::Tensor empty_keeping_strides(const at::Tensor& tensor);

// The sum of squares in float64; its bits do not depend on the thread count. Any device and floating dtype.
double squared_norm(const at::Tensor& tensor);

// The largest finite number of a floating dtype; inf for any other.
double largest_number(at::ScalarType dtype);
[[noreturn]] void refuse_number(const std::string& key, double number, at::ScalarType dtype);

}  // namespace detail

}  // namespace gradquake

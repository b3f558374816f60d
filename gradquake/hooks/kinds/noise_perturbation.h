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

#include "gradquake/hooks/perturbation.h"

namespace gradquake {

class NoisePerturbation : public Perturbation {
 public:
  // Throws std::invalid_argument unless scale and mean are finite and, but for kConstant, scale >= 0.
  NoisePerturbation(Variate variate, const PerturbationSpec& spec);

  // Throws std::invalid_argument for per_sample and per_feature where context.rows is 0.
  Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const override;

 private:
  template <typename T>
  Perturbed apply_as(const at::Tensor& tensor, const PerturbationContext& context) const;

  Variate variate_;
  PerturbationSpec spec_;
};

namespace detail {

// Dimensions from the slowest to the fastest in memory, `batch_dim` first.
std::vector<std::int64_t> element_order(const at::Tensor& tensor, std::int64_t batch_dim);

// A new tensor of the same sizes and, where the tensor is non-overlapping and dense, the same strides.
at::Tensor empty_keeping_strides(const at::Tensor& tensor);

// The sum of squares in float64; its bits do not depend on the thread count. Any device and floating dtype.
double squared_norm(const at::Tensor& tensor);

}  // namespace detail

}  // namespace gradquake

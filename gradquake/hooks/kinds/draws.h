// Uniform numbers by address for kinds that choose: which elements, channels or samples something happens to. Internal
// to hooks/.
//
//   unit       one number for                                             its address
//   element    every element                                              as in noise_perturbation.h, per_element
//   feature    every position within a sample, shared by the batch        the position
//   channel    every channel of every sample: dimension 1, or the last    sample * channels + channel
//              of [batch, length, features]
//   sample     every sample                                               the sample's number in the whole batch
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <utility>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/perturbation.h"

namespace gradquake {

namespace kinds {
enum class Unit { kElement, kFeature, kChannel, kSample };
}  // namespace kinds

template <>
struct EnumTexts<kinds::Unit> {
  static constexpr std::array<std::pair<kinds::Unit, const char*>, 4> table = {{{kinds::Unit::kElement, "element"},
                                                                                {kinds::Unit::kFeature, "feature"},
                                                                                {kinds::Unit::kChannel, "channel"},
                                                                                {kinds::Unit::kSample, "sample"}}};
};

namespace kinds {

// Fills with numbers in [0, 1) of 24 bits, those of elements first ...
void fill_uniform(float* out, std::uint64_t n, const Stream& stream, std::uint64_t first);

// The channel dimension of a tensor; throws std::invalid_argument where it has none beside the batch.
std::int64_t channel_dimension(const at::Tensor& tensor, const PerturbationContext& context);

// Numbers in [0, 1) of 24 bits, float32 on the tensor's device, of a shape that broadcasts to the tensor's. Throws
// std::invalid_argument where the unit needs samples that cannot be told apart.
at::Tensor uniform_draws(const at::Tensor& tensor, const PerturbationContext& context, Unit unit);

}  // namespace kinds
}  // namespace gradquake

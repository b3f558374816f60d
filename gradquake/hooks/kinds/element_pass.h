// How a kind goes over the elements of a tensor, in the order of their addresses. Internal to hooks/.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::detail {

// Chunks a thread takes at least: waking another thread costs about as much as one chunk of normals.
inline constexpr std::int64_t kChunksPerThread = 2;

// Rows of n elements that a thread takes at least.
inline std::int64_t rows_a_thread(std::int64_t n) {
  constexpr auto kElements = kChunksPerThread * static_cast<std::int64_t>(kNoiseChunk);
  return std::max<std::int64_t>(1, kElements / std::max<std::int64_t>(n, 1));
}

// Throws about `key` of the rule where samples cannot be told apart; `use`: " for ...", what needs them.
inline void require_samples(const at::Tensor& tensor, const PerturbationContext& context, const char* key,
                            const std::string& use = "") {
  if (context.rows > 0) return;
  refuse_key(key, "a batch dimension that holds every sample" + use, c10::str("shape ", tensor.sizes()));
}

// Calls part(begin, end) for each chunk of [0, n), cut where first + i is a multiple of kNoiseChunk, and joins what it
// returns in order.
template <typename Part>
AddedNorms for_each_chunk(std::uint64_t n, std::uint64_t first, const Part& part) {
  const std::uint64_t lead = first % kNoiseChunk;
  const std::uint64_t chunks = (lead + n + kNoiseChunk - 1) / kNoiseChunk;
  const auto chunk = [&](std::uint64_t c) {
    const std::uint64_t begin = c == 0 ? 0 : c * kNoiseChunk - lead;
    return part(begin, std::min(n, (c + 1) * kNoiseChunk - lead));
  };
  if (chunks <= 1) return n == 0 ? AddedNorms{} : chunk(0);
  std::vector<AddedNorms> parts(chunks);
  at::parallel_for(0, static_cast<std::int64_t>(chunks), kChunksPerThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c)
      parts[static_cast<std::size_t>(c)] = chunk(static_cast<std::uint64_t>(c));
  });
  AddedNorms whole;
  for (const AddedNorms& next : parts) whole.append(next);
  return whole;
}

inline std::vector<std::int64_t> inverse(const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return back;
}

inline bool same_memory(const at::Tensor& tensor, const at::Tensor& other) {
  return tensor.is_non_overlapping_and_dense() && tensor.strides() == other.strides() && !tensor.is_neg() &&
         !tensor._is_zerotensor();
}

// The address of the tensor's first element.
inline std::uint64_t first_element(const at::Tensor& tensor, const PerturbationContext& context) {
  if (context.rows == 0) return 0;
  return static_cast<std::uint64_t>(context.first_row) * static_cast<std::uint64_t>(tensor.numel() / context.rows);
}

// A new tensor laid out as the one given, on the CPU and of the type T; pass(in, out, n) fills it from the elements of
// `tensor`, both in `order` (PerturbationContext::element_order); in may be out.
template <typename T, typename Pass>
at::Tensor map_in_order(const at::Tensor& tensor, const std::vector<std::int64_t>& order, const Pass& pass) {
  const auto n = static_cast<std::uint64_t>(tensor.numel());
  at::Tensor value = empty_keeping_strides(tensor);
  if (value.permute(order).is_contiguous()) {
    T* const out = value.mutable_data_ptr<T>();
    const bool fused = same_memory(tensor, value);
    if (!fused) value.copy_(tensor);
    pass(fused ? tensor.const_data_ptr<T>() : out, out, n);
    return value;
  }
  const at::Tensor reordered = at::empty(tensor.permute(order).sizes(), tensor.options());
  reordered.copy_(tensor.permute(order));
  T* const data = reordered.mutable_data_ptr<T>();
  pass(data, data, n);
  value.copy_(reordered.permute(inverse(order)));
  return value;
}

// Whether the kernels take it: float32 or float64 on the CPU.
inline bool is_of_working_type(const at::Tensor& tensor) {
  return tensor.is_cpu() && (tensor.scalar_type() == at::kDouble || tensor.scalar_type() == at::kFloat);
}

// apply(tensor, T{}) with T float or double and a tensor of it on the CPU: the one given, or a copy whose result is
// rounded back once.
template <typename Apply>
at::Tensor in_working_type(const at::Tensor& tensor, const Apply& apply) {
  const bool is_double = tensor.scalar_type() == at::kDouble, as_it_is = is_of_working_type(tensor);
  const at::Tensor wide = as_it_is ? tensor : tensor.to(at::kCPU, is_double ? at::kDouble : at::kFloat);
  const at::Tensor value = is_double ? apply(wide, double{}) : apply(wide, float{});
  return as_it_is ? value : empty_keeping_strides(tensor).copy_(value);
}

}  // namespace gradquake::detail

#include "gradquake/hooks/kinds/draws.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake::kinds {
namespace {

at::Tensor uniform_numbers(std::int64_t count, const Stream& stream, std::uint64_t first) {
  const at::Tensor draws = at::empty({count});
  auto* const data = draws.mutable_data_ptr<float>();
  detail::for_each_chunk(static_cast<std::uint64_t>(count), first, [&](std::uint64_t begin, std::uint64_t end) {
    fill_uniform(data + begin, end - begin, stream, first + begin);
    return AddedNorms{};
  });
  return draws;
}

}  // namespace

void fill_uniform(float* out, std::uint64_t n, const Stream& stream, std::uint64_t first) {
  std::fill(out, out + n, 0.5f);
  add_noise(Variate::kUniform, out, out, n, 0.0f, 0.5f, stream, first);  // 0.5 + z / 2 is exact
}

std::int64_t channel_dimension(const at::Tensor& tensor, const PerturbationContext& context) {
  const std::int64_t dimension = tensor.dim() == 3 ? 2 : 1;
  if (tensor.dim() < 2 || dimension == context.element_order[0])
    detail::refuse_key("of", "a tensor with a dimension of channels beside its batch",
                       c10::str("shape ", tensor.sizes()));
  return dimension;
}

at::Tensor uniform_draws(const at::Tensor& tensor, const PerturbationContext& context, Unit unit) {
  const std::vector<std::int64_t>& order = context.element_order;
  const auto in_place = [&](const at::Tensor& ordered) {
    return ordered.permute(detail::inverse(order)).to(tensor.device());
  };
  std::vector<std::int64_t> shape = tensor.permute(order).sizes().vec();
  if (unit == Unit::kElement) {
    return in_place(
        uniform_numbers(tensor.numel(), context.stream, detail::first_element(tensor, context)).view(shape));
  }
  detail::require_samples(tensor, context, "of");
  const std::int64_t rows_each = shape[0] / context.rows;
  const auto first_row = static_cast<std::uint64_t>(context.first_row);
  if (unit == Unit::kFeature) {
    shape[0] = rows_each;
    const at::Tensor one = uniform_numbers(tensor.numel() / context.rows, context.stream, 0).view(shape);
    std::vector<std::int64_t> times(shape.size(), 1);
    times[0] = context.rows;
    return in_place(rows_each == 1 ? one : one.repeat(times));
  }
  std::int64_t channels = 1;
  std::vector<std::int64_t> broad(shape.size(), 1);
  if (unit == Unit::kChannel) {
    const std::int64_t dimension = channel_dimension(tensor, context);
    channels = tensor.size(dimension);
    broad[static_cast<std::size_t>(detail::inverse(order)[static_cast<std::size_t>(dimension)])] = channels;
  }
  broad[0] = shape[0];
  const at::Tensor each =
      uniform_numbers(context.rows * channels, context.stream, first_row * static_cast<std::uint64_t>(channels));
  return in_place(each.view({context.rows, channels}).repeat_interleave(rows_each, 0).reshape(broad));
}

}  // namespace gradquake::kinds

#include "gradquake/hooks/kinds/noise_perturbation.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "gradquake/hooks/kinds/element_pass.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace {

template <typename T>
AddedNorms add_chunked(Variate variate, const T* in, T* out, std::uint64_t n, T mean, T scale, Stream stream,
                       std::uint64_t first) {
  return detail::for_each_chunk(n, first, [&](std::uint64_t begin, std::uint64_t end) {
    return add_noise_measured(variate, in + begin, out + begin, end - begin, mean, scale, stream, first + begin);
  });
}

template <typename T>
double sum_of_squares(const T* in, std::uint64_t n) {
  return detail::for_each_chunk(n, 0,
                                [&](std::uint64_t begin, std::uint64_t end) {
                                  std::vector<T> unused(end - begin);
                                  return add_noise_measured(Variate::kConstant, in + begin, unused.data(), end - begin,
                                                            T(0), T(0), Stream{}, begin);
                                })
      .input_squared;
}

// One number for each element or, with a scale of 0, the same for all.
template <typename T>
Perturbed add_to_elements(Variate variate, const at::Tensor& tensor, const std::vector<std::int64_t>& order, T mean,
                          T scale, Stream stream, std::uint64_t first) {
  AddedNorms norms;
  at::Tensor value = detail::map_in_order<T>(tensor, order, [&](const T* in, T* out, std::uint64_t n) {
    norms = add_chunked<T>(variate, in, out, n, mean, scale, stream, first);
  });
  return {.value = std::move(value), .norms = norms};
}

}  // namespace

namespace detail {

std::vector<std::int64_t> element_order(const at::Tensor& tensor, std::int64_t batch_dim) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(tensor.dim()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return a == batch_dim || (b != batch_dim && tensor.stride(a) > tensor.stride(b));
  });
  return order;
}

at::Tensor empty_keeping_strides(const at::Tensor& tensor) {
  return tensor.is_non_overlapping_and_dense() ? at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options())
                                               : at::empty_like(tensor);
}

double squared_norm(const at::Tensor& tensor) {
  const bool single = tensor.scalar_type() == at::kFloat;
  at::Tensor flat = tensor.to(at::kCPU, single ? at::kFloat : at::kDouble);
  if (!flat.is_non_overlapping_and_dense() || flat.is_neg() || flat._is_zerotensor())
    flat = at::empty(flat.sizes(), flat.options()).copy_(flat);
  const auto n = static_cast<std::uint64_t>(flat.numel());
  return single ? sum_of_squares(flat.const_data_ptr<float>(), n) : sum_of_squares(flat.const_data_ptr<double>(), n);
}

double largest_number(at::ScalarType dtype) {
  switch (dtype) {
    case at::kDouble:
      return std::numeric_limits<double>::max();
    case at::kFloat:
      return std::numeric_limits<float>::max();
    case at::kHalf:
      return std::numeric_limits<at::Half>::max();
    case at::kBFloat16:
      return std::numeric_limits<at::BFloat16>::max();
    default:
      return std::numeric_limits<double>::infinity();
  }
}

void refuse_number(const std::string& key, double number, at::ScalarType dtype) {
  refuse_key(key,
             c10::str("amplitude times ", key, " of at most ", largest_number(dtype), ", the largest number of ",
                      c10::toString(dtype)),
             c10::str(number));
}

}  // namespace detail

std::vector<Parameter> noise_parameters(Parameter scale) {
  return {std::move(scale).by_default(0.1), Parameter::number("mean", "what is added on average").by_default(0.0),
          Parameter::choice("relative_to", texts_of<RelativeTo>(), "what scale and mean are multiples of")
              .by_default(to_text(RelativeTo::kNone)),
          Parameter::choice("draw", texts_of<DrawMode>(), "how many draws z there are")
              .by_default(to_text(DrawMode::kPerElement))};
}

NoisePerturbation::NoisePerturbation(Variate variate, const KindSpec& spec)
    : variate_(variate),
      kind_(spec.kind),
      scale_(spec.number("scale")),
      mean_(spec.number("mean")),
      relative_to_(from_text<RelativeTo>(spec.text("relative_to"))),
      draw_(from_text<DrawMode>(spec.text("draw"))) {}

std::string NoisePerturbation::describe() const {
  std::string text = kind_ + " scale " + kinds::short_number(scale_);
  if (mean_ != 0) text += " mean " + kinds::short_number(mean_);
  if (relative_to_ == RelativeTo::kRms) text += " x RMS";
  std::string draw = to_text(draw_);
  std::replace(draw.begin(), draw.end(), '_', ' ');
  return text + ", one draw " + draw;
}

template <typename T>
Perturbed NoisePerturbation::apply_as(const at::Tensor& tensor, const PerturbationContext& context,
                                      at::ScalarType dtype) const {
  const double size =
      context.amplitude * (relative_to_ == RelativeTo::kRms ? context.reference_rms : 1 / context.loss_divisor);
  const auto mean = static_cast<T>(size * mean_);
  const auto scale = static_cast<T>(size * scale_);
  if (relative_to_ == RelativeTo::kNone) {
    const double limit = detail::largest_number(dtype);
    if (std::abs(size * scale_) > limit) detail::refuse_number("scale", size * scale_, dtype);
    if (std::abs(size * mean_) > limit) detail::refuse_number("mean", size * mean_, dtype);
  }
  const auto first_row = static_cast<std::uint64_t>(context.first_row);
  const std::vector<std::int64_t>& order = context.element_order;

  if (draw_ == DrawMode::kPerElement) {
    return add_to_elements<T>(variate_, tensor, order, mean, scale, context.stream,
                              detail::first_element(tensor, context));
  }
  const T zero = 0;
  if (draw_ == DrawMode::kPerStep) {
    T one_draw = 0;
    add_noise(variate_, &zero, &one_draw, 1, mean, scale, context.stream, 0);
    return add_to_elements<T>(Variate::kConstant, tensor, order, one_draw, zero, context.stream, 0);
  }
  detail::require_samples(tensor, context, "draw", " for draw per_sample or per_feature");

  // In element order, with the batch dimension split into samples and the rows of one: [rows, size / rows, ...].
  at::Tensor value = detail::empty_keeping_strides(tensor);
  const std::vector<std::int64_t> split = {context.rows, tensor.size(order[0]) / context.rows};
  const at::Tensor in = tensor.permute(order).unflatten(0, split);
  at::Tensor out = value.permute(order).unflatten(0, split);
  std::vector<std::int64_t> shape = in.sizes().vec();
  const bool per_sample = draw_ == DrawMode::kPerSample;
  per_sample ? (void)std::fill(shape.begin() + 1, shape.end(), 1) : (void)(shape[0] = 1);
  const at::Tensor draws = at::zeros(shape, tensor.options());
  T* const data = draws.mutable_data_ptr<T>();
  const auto count = static_cast<std::uint64_t>(draws.numel());
  AddedNorms norms =
      add_chunked<T>(variate_, data, data, count, mean, scale, context.stream, per_sample ? first_row : 0);
  at::add_out(out, in, draws);
  const std::int64_t sharing = tensor.numel() / draws.numel();  // elements a draw
  norms.added_squared *= static_cast<double>(sharing);
  norms.input_squared = detail::squared_norm(tensor);
  norms.changed = !at::equal(value, tensor);
  return {.value = value, .norms = norms};
}

Perturbed NoisePerturbation::apply(const at::Tensor& tensor, const PerturbationContext& context) const {
  Perturbed result;
  result.value = detail::in_working_type(tensor, [&](const at::Tensor& wide, auto zero) {
    Perturbed own = apply_as<decltype(zero)>(wide, context, tensor.scalar_type());
    result.norms = own.norms;
    return own.value;
  });
  if (!detail::is_of_working_type(tensor)) result.norms->changed = !at::equal(result.value, tensor);
  return result;
}

std::optional<ElementMoments> NoisePerturbation::moments() const {
  const double m = mean_, s = scale_;
  double second = 0, fourth = 0;  // of z, which is symmetric
  switch (variate_) {
    case Variate::kGaussian:
      second = 1, fourth = 3;
      break;
    case Variate::kUniform:
      second = 1.0 / 3, fourth = 1.0 / 5;
      break;
    case Variate::kRademacher:
      second = fourth = 1;
      break;
    case Variate::kLaplace:
      second = 2, fourth = 24;
      break;
    case Variate::kConstant:
      return ElementMoments{m + s, (m + s) * (m + s), std::pow(m + s, 4)};
  }
  return ElementMoments{m, m * m + s * s * second,
                        std::pow(m, 4) + 6 * m * m * s * s * second + std::pow(s, 4) * fourth};
}

}  // namespace gradquake

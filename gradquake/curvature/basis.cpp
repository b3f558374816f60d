#include "gradquake/curvature/basis.h"

#include <ATen/Dispatch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace gradquake::curvature {
namespace {

constexpr int kMaxPasses = 3;
constexpr std::int64_t kBlock = 4096;  // elements of w that stay in cache while the basis streams past

template <typename T>
double dot_of(const T* a, const T* b, std::int64_t size) {
  std::array<double, 8> sums{};  // independent sums, so that the compiler may use vector registers
  std::int64_t i = 0;
  for (; i + 8 <= size; i += 8)
    for (int k = 0; k < 8; ++k)
      sums[static_cast<std::size_t>(k)] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
  for (; i < size; ++i) sums[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

template <typename T>
void subtract_from(T* w, double factor, const T* q, std::int64_t size) {
  const T f = static_cast<T>(factor);
  for (std::int64_t i = 0; i < size; ++i) w[i] -= f * q[i];
}

// One pass of classical Gram-Schmidt: all coefficients first, then the subtraction, block by block.
template <typename T>
double pass(const std::vector<at::Tensor>& vectors, at::Tensor& w) {
  const std::int64_t size = w.numel();
  T* const data = w.mutable_data_ptr<T>();
  std::vector<double> coefficients(vectors.size(), 0);
  for (std::int64_t first = 0; first < size; first += kBlock) {
    const std::int64_t count = std::min(kBlock, size - first);
    for (std::size_t r = 0; r < vectors.size(); ++r)
      coefficients[r] += dot_of(vectors[r].const_data_ptr<T>() + first, data + first, count);
  }
  double squared = 0;
  for (std::int64_t first = 0; first < size; first += kBlock) {
    const std::int64_t count = std::min(kBlock, size - first);
    for (std::size_t r = 0; r < vectors.size(); ++r)
      subtract_from(data + first, coefficients[r], vectors[r].const_data_ptr<T>() + first, count);
    squared += dot_of(data + first, data + first, count);
  }
  return std::sqrt(squared);
}

}  // namespace

double inner_product(const at::Tensor& a, const at::Tensor& b) {
  return AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "inner_product", [&] {
    return dot_of(a.const_data_ptr<scalar_t>(), b.const_data_ptr<scalar_t>(), a.numel());
  });
}

void subtract(at::Tensor& w, double factor, const at::Tensor& q) {
  AT_DISPATCH_FLOATING_TYPES(w.scalar_type(), "subtract", [&] {
    subtract_from(w.mutable_data_ptr<scalar_t>(), factor, q.const_data_ptr<scalar_t>(), w.numel());
  });
}

double length(const at::Tensor& a) { return std::sqrt(inner_product(a, a)); }

double Basis::project_out(at::Tensor& w) const {
  double before = length(w), after = before;
  for (int i = 0; i < kMaxPasses; ++i) {
    after = AT_DISPATCH_FLOATING_TYPES(w.scalar_type(), "project_out", [&] { return pass<scalar_t>(vectors_, w); });
    if (!(after < 0.7 * before))
      break;  // "twice is enough" (Parlett 1980, 6.9): only where half the square was cancelled
    before = after;
  }
  return after;
}

}  // namespace gradquake::curvature

#include "gradquake/compare/gradient_errors.h"

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace gradquake::compare {
namespace {

constexpr std::size_t kLanes = 8;

struct Lanes {
  double of[kLanes] = {};
  double sum() const {
    double total = 0;
    for (const double lane : of) total += lane;
    return total;
  }
};

// What a pass adds up; the second draw's are 0 where there is one.
struct Totals {
  Lanes squared, along, other_squared, other_along, middle;
};

#define GRADQUAKE_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#define GRADQUAKE_INLINE inline __attribute__((always_inline))

// Calls one(i, lane) for every number, n of them.
template <class One>
GRADQUAKE_INLINE void in_lanes(std::size_t n, const One& one) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) one(i + lane, lane);
  for (; i < n; ++i) one(i, 0);
}

// e = x - shift * u. sum: null where m is not asked for.
template <class T>
GRADQUAKE_INLINE void draw_of(const T* x, double shift, const double* u, double* sum, std::size_t n, Totals& totals) {
  Totals t = totals;
  in_lanes(
      n, [&](std::size_t i, std::size_t lane) __attribute__((always_inline)) {
        const double e = static_cast<double>(x[i]) - shift * u[i];
        t.squared.of[lane] += e * e;
        t.along.of[lane] += e * u[i];
        if (sum != nullptr) sum[i] += e;
      });
  totals = t;
}

template <class T>
GRADQUAKE_INLINE void pair_of(const T* x, const T* y, const double* u, double* sum, std::size_t n, Totals& totals) {
  Totals t = totals;
  in_lanes(
      n, [&](std::size_t i, std::size_t lane) __attribute__((always_inline)) {
        const double e = static_cast<double>(x[i]) - u[i];
        const double f = static_cast<double>(y[i]) - u[i];
        const double m = (e + f) / 2;
        t.squared.of[lane] += e * e;
        t.along.of[lane] += e * u[i];
        t.other_squared.of[lane] += f * f;
        t.other_along.of[lane] += f * u[i];
        t.middle.of[lane] += m * m;
        sum[i] += m;
      });
  totals = t;
}

// Overloads, as target_clones does not apply to templates.
GRADQUAKE_EACH_CPU void draw_pass(const float* x, double shift, const double* u, double* sum, std::size_t n,
                                  Totals& totals) {
  draw_of(x, shift, u, sum, n, totals);
}
GRADQUAKE_EACH_CPU void draw_pass(const double* x, double shift, const double* u, double* sum, std::size_t n,
                                  Totals& totals) {
  draw_of(x, shift, u, sum, n, totals);
}
GRADQUAKE_EACH_CPU void pair_pass(const float* x, const float* y, const double* u, double* sum, std::size_t n,
                                  Totals& totals) {
  pair_of(x, y, u, sum, n, totals);
}
GRADQUAKE_EACH_CPU void pair_pass(const double* x, const double* y, const double* u, double* sum, std::size_t n,
                                  Totals& totals) {
  pair_of(x, y, u, sum, n, totals);
}

// In memory order, as a pass takes it.
at::Tensor plain(const at::Tensor& part) {
  const at::Tensor here = part.to(at::kCPU).contiguous();
  return here.scalar_type() == at::kFloat || here.scalar_type() == at::kDouble ? here : here.to(at::kDouble);
}

template <class Pass>
void with_data(const at::Tensor& part, const Pass& pass) {
  if (part.scalar_type() == at::kFloat)
    pass(part.const_data_ptr<float>());
  else
    pass(part.const_data_ptr<double>());
}

}  // namespace

GradientErrors::GradientErrors(const Parts& clean) {
  for (const at::Tensor& part : clean) {
    const at::Tensor numbers = plain(part).to(at::kDouble);
    const auto* const begin = numbers.const_data_ptr<double>();
    clean_.insert(clean_.end(), begin, begin + numbers.numel());
    sizes_.push_back(static_cast<std::size_t>(numbers.numel()));
  }
  for (const double one : clean_) clean_squared_ += one * one;
}

ErrorSums GradientErrors::draw(const Parts& parts, double shift, Sum* sum) const {
  if (sum != nullptr) sum->resize(clean_.size());
  Totals totals;
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts.size(); at += sizes_[i++]) {
    if (!parts[i].defined() && shift == 0) continue;
    const at::Tensor part = parts[i].defined() ? plain(parts[i]) : at::zeros({static_cast<std::int64_t>(sizes_[i])});
    with_data(part, [&](const auto* x) {
      draw_pass(x, shift, &clean_[at], sum == nullptr ? nullptr : &(*sum)[at], sizes_[i], totals);
    });
  }
  return {totals.squared.sum(), totals.along.sum()};
}

ErrorSums GradientErrors::draw(const Parts& perturbed, Sum& sum) const { return draw(perturbed, 1, &sum); }
ErrorSums GradientErrors::error(const Parts& error, Sum* sum) const { return draw(error, 0, sum); }

GradientErrors::Pair GradientErrors::pair(const Parts& plus, const Parts& minus, Sum& sum) const {
  sum.resize(clean_.size());
  Totals totals;
  std::size_t at = 0;
  for (std::size_t i = 0; i < plus.size(); at += sizes_[i++]) {
    const at::Tensor part = plain(plus[i]), other = plain(minus[i]).to(part.scalar_type());
    with_data(part, [&](const auto* x) {
      pair_pass(x, other.const_data_ptr<std::remove_cv_t<std::remove_pointer_t<decltype(x)>>>(), &clean_[at], &sum[at],
                sizes_[i], totals);
    });
  }
  return {{totals.squared.sum(), totals.along.sum()},
          {totals.other_squared.sum(), totals.other_along.sum()},
          totals.middle.sum()};
}

}  // namespace gradquake::compare

#include "gradquake/train/norms.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>

namespace gradquake::train {
namespace {

constexpr std::size_t kLanes = 16;

double sum_lanes(const double* lanes) {
  double sum = 0;
  for (std::size_t i = 0; i < kLanes; ++i) sum += lanes[i];
  return sum;
}

#define GRADQUAKE_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))

#define GRADQUAKE_SQUARED_NORM(T)                                                         \
  GRADQUAKE_EACH_CPU double squared_norm_of(const T* x, std::size_t n) {                  \
    double lanes[kLanes] = {};                                                            \
    std::size_t i = 0;                                                                    \
    for (; i + kLanes <= n; i += kLanes) {                                                \
      for (std::size_t j = 0; j < kLanes; ++j) {                                          \
        const double v = static_cast<double>(x[i + j]);                                   \
        lanes[j] += v * v;                                                                \
      }                                                                                   \
    }                                                                                     \
    for (; i < n; ++i) lanes[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]); \
    return sum_lanes(lanes);                                                              \
  }                                                                                       \
  GRADQUAKE_EACH_CPU double squared_distance_of(const T* x, const T* y, std::size_t n) {  \
    double lanes[kLanes] = {};                                                            \
    std::size_t i = 0;                                                                    \
    for (; i + kLanes <= n; i += kLanes) {                                                \
      for (std::size_t j = 0; j < kLanes; ++j) {                                          \
        const double v = static_cast<double>(x[i + j]) - static_cast<double>(y[i + j]);   \
        lanes[j] += v * v;                                                                \
      }                                                                                   \
    }                                                                                     \
    for (; i < n; ++i) {                                                                  \
      const double v = static_cast<double>(x[i]) - static_cast<double>(y[i]);             \
      lanes[0] += v * v;                                                                  \
    }                                                                                     \
    return sum_lanes(lanes);                                                              \
  }

// Overloads by macro: target_clones does not apply to templates.
GRADQUAKE_SQUARED_NORM(float)
GRADQUAKE_SQUARED_NORM(double)

bool is_plain(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble) &&
         x.is_non_overlapping_and_dense();
}

}  // namespace

double squared_norm(const at::Tensor& x) {
  if (!is_plain(x)) return x.to(at::kDouble).square().sum().item<double>();
  const auto n = static_cast<std::size_t>(x.numel());
  return x.scalar_type() == at::kFloat ? squared_norm_of(x.const_data_ptr<float>(), n)
                                       : squared_norm_of(x.const_data_ptr<double>(), n);
}

double squared_distance(const at::Tensor& x, const at::Tensor& y) {
  if (!is_plain(x) || !is_plain(y) || x.strides() != y.strides() || x.scalar_type() != y.scalar_type())
    return x.to(at::kDouble).sub(y.to(at::kDouble)).square().sum().item<double>();
  const auto n = static_cast<std::size_t>(x.numel());
  return x.scalar_type() == at::kFloat ? squared_distance_of(x.const_data_ptr<float>(), y.const_data_ptr<float>(), n)
                                       : squared_distance_of(x.const_data_ptr<double>(), y.const_data_ptr<double>(), n);
}

LayerGroups group_by_layer(const std::vector<std::string>& parameter_names) {
  LayerGroups groups;
  for (const std::string& name : parameter_names) {
    const std::size_t dot = name.rfind('.');
    const std::string layer = dot == std::string::npos ? name : name.substr(0, dot);
    const auto known = std::find(groups.names.begin(), groups.names.end(), layer);
    groups.of_each.push_back(static_cast<std::size_t>(known - groups.names.begin()));
    if (known == groups.names.end()) groups.names.push_back(layer);
  }
  return groups;
}

std::vector<double> layer_norms(const LayerGroups& groups, const std::vector<double>& squared) {
  std::vector<double> norms(groups.names.size(), 0.0);
  for (std::size_t i = 0; i < squared.size(); ++i) norms[groups.of_each[i]] += squared[i];
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

}  // namespace gradquake::train

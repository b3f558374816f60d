// Squared Euclidean norms of gradients, accumulated in float64 (float32 is inf at elements of 1e20), in 16 fixed lanes
// so that the result does not depend on the instruction set.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::train {

// sum x_i^2, and sum (x_i - y_i)^2 for tensors of equal shape.
GRADQUAKE_EXPORT double squared_norm(const at::Tensor& x);
GRADQUAKE_EXPORT double squared_distance(const at::Tensor& x, const at::Tensor& y);

// Parameters grouped by the module that owns them: "layers.0.weight" and "layers.0.bias" are layer "layers.0".
struct LayerGroups {
  std::vector<std::string> names;    // in order of first parameter
  std::vector<std::size_t> of_each;  // parameter index -> layer index
};
GRADQUAKE_EXPORT LayerGroups group_by_layer(const std::vector<std::string>& parameter_names);

// Norms by layer from squared norms by parameter.
GRADQUAKE_EXPORT std::vector<double> layer_norms(const LayerGroups& groups, const std::vector<double>& squared);

}  // namespace gradquake::train

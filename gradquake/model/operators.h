// The numbered operators of a chain: linear modules registered as `layers.i`, and the sites of the same names.
#pragma once

#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/sites/site.h"
#include "gradquake/model/model.h"

namespace gradquake::model {

struct LinearOperator {
  torch::nn::Linear linear;
  Site site;
};

// Registers `layers` with owner: operator i maps widths[i] to widths[i + 1] features.
std::vector<LinearOperator> register_layers(Model& owner, const std::vector<std::int64_t>& widths, bool bias);

}  // namespace gradquake::model

// Whether a network fits its data. Every mismatch is a UserError that names both sides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/model/registry.h"

namespace gradquake::model {

std::int64_t flat_features(const ModelInput& input);    // the product of the sample's shape
std::int64_t output_features(const ModelInput& input);  // classes, the numbers of a target, or 1

// Samples are images [channels, rows, columns].
void expect_images(const std::string& kind, const ModelInput& input);

// widths: at least two, first flat_features, last output_features, and no operator above 2^30 weights.
void expect_fitting_widths(const std::string& kind, const std::vector<std::int64_t>& widths, const ModelInput& input);

// Throws unless rows * columns <= 2^30.
void expect_weight_size(const std::string& kind, std::int64_t rows, std::int64_t columns);

}  // namespace gradquake::model

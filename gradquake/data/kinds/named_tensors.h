// Data sets out of files of named tensors: `input`, `target` and whatever else a network asks for. What npy and
// safetensors share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/safetensors.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {

// Rows of one set. Everything of a floating dtype, and bytes but in `target`, becomes numbers of the run's dtype, bytes
// divided by `byte_divisor`; int64 stays. A `target` of integers is classes, in one of -1 and +1 alone labels, one of
// floating point numbers. The number of classes is `classes` or, where that is null, the largest of any set plus one.
// Throws UserError, naming `path`, where there is no target or no other tensor, or the rows differ.
DataSplits splits_of(const std::string& path, const NamedTensors& train, const std::optional<NamedTensors>& test,
                     const DatasetRequest& request);

// `classes` and `byte_divisor`, for a kind's table.
std::vector<Parameter> named_tensor_parameters();

}  // namespace gradquake::data::kinds

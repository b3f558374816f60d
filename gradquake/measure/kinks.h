// The operators with kinks that a clean pass of a batch calls, its loss included: those whose derivative jumps, so that
// D of theory/constants.h is not finite. Empty: every operator is smooth, as far as their names tell.
//
//   relu, leaky_relu, hardtanh, abs, clamp, threshold, max_pool2d, max along a dimension, elu, l1_loss, ...
#pragma once

#include <string>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

// Without the library's "aten::", each once, in order of first call. The model is left as it was.
GRADQUAKE_EXPORT std::vector<std::string> kinked_operators(const train::Task& task, const data::Batch& batch);

}  // namespace gradquake::measure

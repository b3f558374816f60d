// Loss and metric on a data set: evaluation mode, taps off unless a plan is given, nothing of the training disturbed.
#pragma once

#include <cstdint>

#include "gradquake/core/records.h"
#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::train {

inline constexpr std::int64_t kEvaluationRows = 512;  // that forward is given at once

// `step`: number of updates made so far. loss: the data term's mean over the whole set. The metric is the objective's.
// `served`: its forward rules act, as they are due at that step; each call of forward has draws of its own, and rules
// with a memory do what they do at a first visit.
GRADQUAKE_EXPORT EvaluationRecord evaluate(const Task& task, const data::Dataset& dataset, std::int64_t step,
                                           Plan* served = nullptr);

}  // namespace gradquake::train

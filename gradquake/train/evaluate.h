// Loss and accuracy on a data set: evaluation mode, taps off, nothing of the training disturbed.
#pragma once

#include <cstdint>

#include "gradquake/core/records.h"
#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/objective.h"

namespace gradquake::model {
class Model;
}  // namespace gradquake::model

namespace gradquake::train {

// `step`: number of updates made so far. loss: the data term's mean over the whole set.
GRADQUAKE_EXPORT EvaluationRecord evaluate(model::Model& model, const data::Dataset& dataset, ObjectiveKind objective,
                                           std::int64_t step, at::Device device);

}  // namespace gradquake::train

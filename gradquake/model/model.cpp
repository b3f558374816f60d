#include "gradquake/model/model.h"

namespace gradquake::model {

Model::~Model() = default;

at::Tensor Model::forward_batch(const data::Batch& batch) { return forward(batch.input()); }

}  // namespace gradquake::model

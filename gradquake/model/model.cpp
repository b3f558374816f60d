#include "gradquake/model/model.h"

namespace gradquake::model {

Model::~Model() = default;

at::Tensor Model::forward_with_target(const at::Tensor& input, const at::Tensor&) { return forward(input); }

}  // namespace gradquake::model

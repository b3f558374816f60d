#include "gradquake/model/model.h"

namespace gradquake::model {

Model::~Model() = default;

at::Tensor Model::forward_batch(const data::Batch& batch) { return forward(batch.input()); }
bool Model::in_state_dict(const std::string&) const { return true; }
std::vector<std::string> Model::notes() const { return {}; }
void Model::save_beside_weights(const std::string&) const {}

}  // namespace gradquake::model

// What can be a site at all. Internal to hooks/.
#pragma once

#include <ATen/core/Tensor.h>

namespace gradquake::detail {

inline bool is_dense_floating(const at::Tensor& tensor) {
  return tensor.defined() && at::isFloatingType(tensor.scalar_type()) && tensor.layout() == at::kStrided &&
         tensor.has_storage();
}

}  // namespace gradquake::detail

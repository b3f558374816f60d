#pragma once

#include <ATen/core/Tensor.h>

namespace gradquake::measure {

// ||x_r||_2 of each row (dimension 0) of x, all its other dimensions together: [rows].
inline at::Tensor row_norms(const at::Tensor& x) { return x.reshape({x.size(0), -1}).norm(2, 1); }

}  // namespace gradquake::measure

// A data set held in memory as it was stored; rows are converted when asked for (MNIST: 47 MB of bytes, not 188).
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>

#include "gradquake/data/dataset.h"

namespace gradquake::data {

class GRADQUAKE_EXPORT TensorDataset : public Dataset {
 public:
  // inputs [rows, sample...]: a row is inputs[r] in `dtype`, divided by `divisor`. targets [rows]: int64 classes, or
  // -1 / +1 in `dtype` where classes is 0. Throws UserError where the rows differ.
  TensorDataset(at::Tensor inputs, at::Tensor targets, std::int64_t classes, at::ScalarType dtype, double divisor = 1);

  // Regression: targets [rows, ...] of floating point. Both are handed out as they are, so inputs may be integers.
  TensorDataset(at::Tensor inputs, at::Tensor targets);
  // Named tensors of any type, handed out as they are; `shape` says what they mean.
  TensorDataset(Batch rows, DataShape shape);

  std::int64_t size() const override;
  DataShape shape() const override;
  Batch get(const std::vector<std::int64_t>& indices) const override;

 private:
  Batch all_;
  DataShape shape_;
  std::optional<at::ScalarType> dtype_;  // of the input; absent: as stored
  double divisor_ = 1;
};

}  // namespace gradquake::data

// A data set: samples addressed by their index. Users derive from Dataset and add their kind to datasets()
// (registry.h); everything built in is a TensorDataset (tensor_dataset.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::data {

// input [rows, sample...] in the run's dtype; target [rows]: int64 class indices, or -1 / +1 in the run's dtype where
// DataShape::classes is 0. sample_ids[r] is the index of row r in its data set.
struct Batch {
  at::Tensor input, target;
  std::vector<std::int64_t> sample_ids;
};

struct DataShape {
  std::vector<std::int64_t> sample;  // shape of one input, e.g. {64} or {1, 28, 28}
  std::int64_t classes = 0;          // 0: the targets are labels -1 / +1 (libsvm, synthetic_logistic)
};

class GRADQUAKE_EXPORT Dataset {
 public:
  virtual ~Dataset();
  virtual std::int64_t size() const = 0;
  virtual DataShape shape() const = 0;
  // The rows of `indices`, in that order; every index in [0, size()). Safe to call from several threads. The tensors
  // may share memory with the data set: read them, never write into them.
  virtual Batch get(const std::vector<std::int64_t>& indices) const = 0;
};

// What a data kind yields. Where no test set exists, `test` is `train`.
struct DataSplits {
  std::shared_ptr<Dataset> train, test;
};

}  // namespace gradquake::data

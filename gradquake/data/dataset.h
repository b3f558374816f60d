// A data set: samples addressed by their index. Users derive from Dataset and add their kind to datasets()
// (registry.h); everything built in is a TensorDataset (tensor_dataset.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/hooks/export.h"

namespace gradquake::data {

// What the targets are: int64 class indices [rows], labels -1 / +1 [rows] in the run's dtype, or numbers of any shape
// [rows, ...] in the run's dtype.
enum class TargetKind { kClasses, kSigns, kReal };

struct DataShape {
  std::vector<std::int64_t> sample;  // shape of one input, e.g. {64} or {1, 28, 28}
  std::int64_t classes = 0;          // of class targets
  // Shape of one target of numbers, {} for a single one; absent: classes, or labels -1 / +1 where `classes` is 0.
  std::optional<std::vector<std::int64_t>> target = std::nullopt;

  TargetKind targets() const {
    return target ? TargetKind::kReal : classes > 0 ? TargetKind::kClasses : TargetKind::kSigns;
  }
};

class GRADQUAKE_EXPORT Dataset {
 public:
  virtual ~Dataset();
  virtual std::int64_t size() const = 0;
  virtual DataShape shape() const = 0;
  // The rows of `indices`, in that order; every index in [0, size()). Safe to call from several threads. The tensors
  // may share memory with the data set: read them, never write into them.
  virtual Batch get(const std::vector<std::int64_t>& indices) const = 0;
  // Rows first .. first + rows - 1.
  Batch range(std::int64_t first, std::int64_t rows) const;
};

// What a data kind yields. Where no test set exists, `test` is `train`.
struct DataSplits {
  std::shared_ptr<Dataset> train, test;
};

}  // namespace gradquake::data

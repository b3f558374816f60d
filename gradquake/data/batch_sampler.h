// Which samples a step trains on. Batches depend on the seed and the epoch only and are addressed by step, so a run
// resumes in the middle of an epoch without saved state:
//
//   epoch(step) = step / steps_per_epoch,   indices(step) = slice (step mod steps_per_epoch) of the epoch's permutation
//
// Every epoch is a fresh uniform permutation (Fisher-Yates); its last, partial batch is dropped. A batch_size of at
// least the data set's size is the full batch, in order, one step an epoch.
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::data {

class GRADQUAKE_EXPORT BatchSampler {
 public:
  // Throws UserError unless dataset_size >= 1 and batch_size >= 1. `seed`: named_seed(run_seed, "data.batches").
  BatchSampler(std::int64_t dataset_size, std::int64_t batch_size, std::uint64_t seed);

  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  std::int64_t epoch(std::int64_t step) const { return step / steps_per_epoch_; }
  // Sample indices of one step, [min(batch_size, dataset_size)]; keeps the permutation of the epoch asked for last.
  std::vector<std::int64_t> indices(std::int64_t step);

 private:
  std::int64_t dataset_size_, batch_size_, steps_per_epoch_;
  std::uint64_t seed_;
  std::int64_t permuted_epoch_ = -1;
  std::vector<std::int64_t> permutation_;
};

}  // namespace gradquake::data

#include "gradquake/data/batch_sampler.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "gradquake/core/error.h"
#include "gradquake/data/random.h"

namespace gradquake::data {

BatchSampler::BatchSampler(std::int64_t dataset_size, std::int64_t batch_size, std::uint64_t seed)
    : dataset_size_(dataset_size), batch_size_(batch_size), steps_per_epoch_(0), seed_(seed) {
  if (dataset_size < 1 || batch_size < 1)
    throw UserError("data", "expected a data set and a batch of at least 1 sample, got " +
                                std::to_string(dataset_size) + " and " + std::to_string(batch_size));
  batch_size_ = std::min(batch_size, dataset_size);
  steps_per_epoch_ = dataset_size / batch_size_;
  permutation_.resize(static_cast<std::size_t>(dataset_size));
  std::iota(permutation_.begin(), permutation_.end(), 0);
}

std::vector<std::int64_t> BatchSampler::indices(std::int64_t step) {
  const std::int64_t current = epoch(step);
  if (batch_size_ < dataset_size_ && permuted_epoch_ != current) {
    std::iota(permutation_.begin(), permutation_.end(), 0);
    RandomStream random(seed_, static_cast<std::uint64_t>(current));
    for (std::size_t i = permutation_.size() - 1; i > 0; --i)
      std::swap(permutation_[i], permutation_[random.below(i + 1)]);
    permuted_epoch_ = current;
  }
  const auto first = permutation_.begin() + (step - current * steps_per_epoch_) * batch_size_;
  return {first, first + batch_size_};
}

}  // namespace gradquake::data

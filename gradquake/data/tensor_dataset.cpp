#include "gradquake/data/tensor_dataset.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <string>

#include "gradquake/core/error.h"

namespace gradquake::data {
namespace {

bool is_whole_set(const std::vector<std::int64_t>& indices, std::int64_t size) {
  if (static_cast<std::int64_t>(indices.size()) != size) return false;
  for (std::int64_t i = 0; i < size; ++i)
    if (indices[static_cast<std::size_t>(i)] != i) return false;
  return true;
}

}  // namespace

TensorDataset::TensorDataset(at::Tensor inputs, at::Tensor targets, std::int64_t classes, at::ScalarType dtype,
                             double divisor)
    : inputs_(std::move(inputs)), targets_(std::move(targets)), classes_(classes), dtype_(dtype), divisor_(divisor) {
  if (inputs_.dim() < 2 || targets_.dim() != 1 || inputs_.size(0) != targets_.size(0))
    throw UserError("data", "expected inputs [rows, sample...] and targets [rows], got " +
                                std::to_string(inputs_.dim()) + " and " + std::to_string(targets_.dim()) +
                                " dimensions, or different rows");
}

std::int64_t TensorDataset::size() const { return inputs_.size(0); }

DataShape TensorDataset::shape() const { return {inputs_.sizes().slice(1).vec(), classes_}; }

Batch TensorDataset::get(const std::vector<std::int64_t>& indices) const {
  Batch batch{inputs_, targets_, indices};
  if (!is_whole_set(indices, size())) {
    const auto rows = at::from_blob(const_cast<std::int64_t*>(indices.data()),
                                    {static_cast<std::int64_t>(indices.size())}, at::kLong);
    batch.input = inputs_.index_select(0, rows);
    batch.target = targets_.index_select(0, rows);
  }
  batch.input = batch.input.to(dtype_);
  if (divisor_ != 1) batch.input = batch.input.div(divisor_);
  return batch;
}

}  // namespace gradquake::data

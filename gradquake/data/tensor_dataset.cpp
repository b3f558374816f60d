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

DataShape shape_of(const at::Tensor& inputs, std::int64_t classes) { return {inputs.sizes().slice(1).vec(), classes}; }

void expect_rows(const at::Tensor& inputs, const at::Tensor& targets, bool fits, const std::string& expected) {
  if (fits && inputs.size(0) == targets.size(0)) return;
  throw UserError("data", expected + ", got " + std::to_string(inputs.dim()) + " and " + std::to_string(targets.dim()) +
                              " dimensions, or different rows or types");
}

}  // namespace

TensorDataset::TensorDataset(at::Tensor inputs, at::Tensor targets, std::int64_t classes, at::ScalarType dtype,
                             double divisor)
    : dtype_(dtype), divisor_(divisor) {
  expect_rows(inputs, targets, inputs.dim() >= 2 && targets.dim() == 1,
              "expected inputs [rows, sample...] and targets [rows]");
  shape_ = shape_of(inputs, classes);
  all_ = Batch(std::move(inputs), std::move(targets));
}

TensorDataset::TensorDataset(at::Tensor inputs, at::Tensor targets) {
  expect_rows(inputs, targets, inputs.dim() >= 1 && targets.dim() >= 1 && targets.is_floating_point(),
              "expected inputs [rows, ...] and targets [rows, ...] of floating point");
  shape_ = shape_of(inputs, 0);
  shape_.target = targets.sizes().slice(1).vec();
  all_ = Batch(std::move(inputs), std::move(targets));
}

TensorDataset::TensorDataset(Batch rows, DataShape shape) : all_(std::move(rows)), shape_(std::move(shape)) {
  if (all_.rows() < 1) throw UserError("data", "expected a data set of at least one row, got none");
}

std::int64_t TensorDataset::size() const { return all_.rows(); }

DataShape TensorDataset::shape() const { return shape_; }

Batch TensorDataset::get(const std::vector<std::int64_t>& indices) const {
  Batch batch = is_whole_set(indices, size()) ? all_ : all_.select(indices);
  batch.sample_ids = indices;
  if (!dtype_) return batch;
  at::Tensor input = batch.input().to(*dtype_);
  return batch.with("input", divisor_ == 1 ? std::move(input) : input.div(divisor_));
}

}  // namespace gradquake::data

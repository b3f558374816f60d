#include "gradquake/data/batch.h"

#include <ATen/Functions.h>

#include <algorithm>

#include "gradquake/core/error.h"

namespace gradquake::data {

Batch::Batch(at::Tensor input, at::Tensor target, std::vector<std::int64_t> ids)
    : Batch(Tensors{{"input", std::move(input)}, {"target", std::move(target)}}, std::move(ids)) {}

Batch::Batch(Tensors tensors, std::vector<std::int64_t> ids)
    : sample_ids(std::move(ids)), tensors_(std::move(tensors)) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const auto& [name, tensor] = tensors_[i];
    if (!tensor.defined() || tensor.dim() < 1)
      throw UserError("data", "expected tensors [rows, ...] in a batch, got '" + name + "' without rows");
    if (tensor.size(0) != rows()) {
      throw UserError("data", "expected one number of rows in a batch, got " + std::to_string(rows()) + " of '" +
                                  tensors_.front().first + "' and " + std::to_string(tensor.size(0)) + " of '" + name +
                                  "'");
    }
    for (std::size_t j = 0; j < i; ++j)
      if (tensors_[j].first == name) throw UserError("data", "expected one tensor '" + name + "' in a batch, got two");
  }
}

const at::Tensor& Batch::operator[](const std::string& wanted) const {
  std::string known;
  for (const auto& [name, tensor] : tensors_) {
    if (name == wanted) return tensor;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw UserError("data",
                  "expected a batch with a tensor '" + wanted + "', got one of " + (known.empty() ? "none" : known));
}

bool Batch::has(const std::string& wanted) const {
  return std::any_of(tensors_.begin(), tensors_.end(), [&](const auto& item) { return item.first == wanted; });
}

std::int64_t Batch::rows() const { return tensors_.empty() ? 0 : tensors_.front().second.size(0); }

Batch Batch::with(const std::string& wanted, at::Tensor given) const {
  Batch batch = *this;
  for (auto& [name, tensor] : batch.tensors_) {
    if (name != wanted) continue;
    tensor = std::move(given);
    return batch;
  }
  batch.tensors_.emplace_back(wanted, std::move(given));
  return batch;
}

Batch Batch::narrow(std::int64_t first, std::int64_t count) const {
  Batch batch;
  for (const auto& [name, tensor] : tensors_) batch.tensors_.emplace_back(name, tensor.narrow(0, first, count));
  if (!sample_ids.empty()) batch.sample_ids.assign(sample_ids.begin() + first, sample_ids.begin() + first + count);
  return batch;
}

Batch Batch::select(const std::vector<std::int64_t>& rows) const {
  Batch batch;
  const at::Tensor index = at::tensor(rows, at::kLong);
  for (const auto& [name, tensor] : tensors_)
    batch.tensors_.emplace_back(name, tensor.index_select(0, index.to(tensor.device())));
  for (const std::int64_t row : rows)
    if (!sample_ids.empty()) batch.sample_ids.push_back(sample_ids.at(static_cast<std::size_t>(row)));
  return batch;
}

Batch Batch::to(at::Device device) const {
  Batch batch;
  batch.sample_ids = sample_ids;
  for (const auto& [name, tensor] : tensors_) batch.tensors_.emplace_back(name, tensor.to(device));
  return batch;
}

}  // namespace gradquake::data

// Some rows of a data set: named tensors, each [rows, ...]. `input` and `target` are the names that everything built in
// uses; a data set of one's own may add others (a second input, a mask, weights), and a network's function reads them
// by name.
//
//   data::Batch batch({{"tokens", tokens}, {"lengths", lengths}, {"target", target}});
//   net->forward(batch["tokens"], batch["lengths"]);
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::data {

class GRADQUAKE_EXPORT Batch {
 public:
  using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

  Batch() = default;
  Batch(at::Tensor input, at::Tensor target, std::vector<std::int64_t> sample_ids = {});
  // Throws UserError where two names are equal, or the rows differ.
  explicit Batch(Tensors tensors, std::vector<std::int64_t> sample_ids = {});

  // Throws UserError, naming the tensors there are, where it has none of that name.
  const at::Tensor& operator[](const std::string& name) const;
  const at::Tensor& input() const { return (*this)["input"]; }
  const at::Tensor& target() const { return (*this)["target"]; }
  bool has(const std::string& name) const;
  const Tensors& tensors() const { return tensors_; }

  std::int64_t rows() const;  // 0 where it has no tensor
  // The batch with another tensor of that name.
  Batch with(const std::string& name, at::Tensor tensor) const;
  // Rows first .. first + rows - 1, sharing memory; rows in any order, copied; all of it on a device.
  Batch narrow(std::int64_t first, std::int64_t rows) const;
  Batch select(const std::vector<std::int64_t>& rows) const;
  Batch to(at::Device device) const;

  std::vector<std::int64_t> sample_ids;  // of each row, its index in the data set; empty where there is none

 private:
  Tensors tensors_;
};

}  // namespace gradquake::data

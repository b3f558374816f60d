// A model cut at its sites into the theory's operators: y_i = f_i(y_{i-1}), y_0 the batch's input, y_1 .. y_{N-1} the
// sites in the order of their taps, y_N the loss of each sample. f_N is what follows the last site.
//
// f_i is evaluated by running the model with y_{i-1} put in its place at site i-1, so any model is cut whose sites lie
// on one path. Taps are off but for that; dropout draws the same masks in every run.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

class GRADQUAKE_EXPORT Stages {
 public:
  // Throws UserError where the model has no site, taps one more than once, its sites do not lie on one path (a skip
  // connection around a site), or a sample depends on the others of its batch (batch-norm in train mode).
  Stages(const train::Task& task, data::Batch probe);

  std::size_t operators() const { return sites_.size() + 1; }          // N
  const std::vector<std::string>& sites() const { return sites_; }     // 1 .. N-1
  const at::Tensor& input(std::size_t i) const { return inputs_[i]; }  // y_i, detached; i = 0 .. N-1
  std::int64_t rows() const { return probe_.rows(); }

  // y_last from y_first, first < last <= N: f_last o ... o f_{first+1}. Differentiable in y and in the parameters.
  at::Tensor apply(std::size_t first, std::size_t last, const at::Tensor& y) const;

  // The same model on some rows of the probe.
  Stages at_rows(const std::vector<std::int64_t>& rows) const;

  // Those of the model's parameters that f_i depends on, i = 1 .. N.
  std::vector<at::Tensor> parameters(std::size_t i) const;

 private:
  struct Unchecked {};
  Stages(const train::Task& task, data::Batch probe, Unchecked);
  void check_path() const;
  void check_samples() const;

  const train::Task& task_;
  data::Batch probe_;
  std::vector<std::string> sites_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace gradquake::measure

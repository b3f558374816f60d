// The base of the built-in networks, and of one's own kinds (models(), registry.h): a torch module whose forward taps
// its operators' outputs, so that rules can perturb them. The trainer asks for no base class: any torch::nn::Module
// trains (train/task.h).
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/hooks/export.h"

namespace gradquake::model {

class GRADQUAKE_EXPORT Model : public torch::nn::Module {
 public:
  ~Model() override;
  // input [rows, sample...] -> output [rows, outputs] (class scores).
  virtual at::Tensor forward(const at::Tensor& input) = 0;
  // What training and evaluation call: forward of the batch's input, unless the model needs more of the batch.
  virtual at::Tensor forward_batch(const data::Batch& batch);

  // The output holds the label: f1 = -y h^T w, of which the loss is ln(1 + e^f1).
  virtual bool label_inside() const { return false; }
  // The number of columns of W where the output is H W or -H W, H the flattened inputs, and W all there is to train;
  // absent: the output is not linear in the parameters, or in another way.
  virtual std::optional<std::int64_t> linear_outputs() const { return std::nullopt; }

  // Whether a parameter or buffer of this dotted name belongs into weights.safetensors.
  virtual bool in_state_dict(const std::string& name) const;
  // The most rows that forward takes at once.
  virtual std::int64_t most_rows() const { return std::numeric_limits<std::int64_t>::max(); }
  // What a user should know before training, a line each.
  virtual std::vector<std::string> notes() const;
  // Writes what a run keeps of the model beside weights.safetensors. Throws DiskError.
  virtual void save_beside_weights(const std::string& folder) const;
};

}  // namespace gradquake::model

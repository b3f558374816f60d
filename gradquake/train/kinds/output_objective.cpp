#include "gradquake/core/error.h"
#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train::kinds {
namespace {

// The output is the loss.
class OutputIsLoss : public Objective {
 public:
  bool takes(data::TargetKind) const override { return true; }

  at::Tensor per_sample(const at::Tensor& output, const data::Batch& batch) const override {
    if (output.dim() != 1 || output.size(0) != batch.rows()) {
      throw UserError("train", "objective output: expected a loss of each sample, [" + std::to_string(batch.rows()) +
                                   "], got an output " + shape_text(output));
    }
    return output;
  }
  at::Tensor loss(const at::Tensor& output, const data::Batch&) const override { return output.mean(); }

  void check(const at::Tensor& output, const data::Batch& batch) const override {
    if (output.dim() == 0 || (output.dim() == 1 && output.size(0) == batch.rows())) return;
    throw UserError("train", "objective output: expected a loss of each sample, [" + std::to_string(batch.rows()) +
                                 "], or their mean, [], got an output " + shape_text(output));
  }
};

}  // namespace

ObjectiveKind output_objective() {
  return {{.name = "output", .summary = "the network computes its loss: one of each sample, or their mean"},
          [](const KindSpec&) { return std::make_shared<OutputIsLoss>(); }};
}

}  // namespace gradquake::train::kinds

#include "gradquake/core/error.h"
#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train::kinds {
namespace {

// Of outputs with more dimensions (a class a pixel, a token) a sample's loss is the mean over them.
class CrossEntropy : public Objective {
 public:
  bool takes(data::TargetKind targets) const override { return targets == data::TargetKind::kClasses; }

  at::Tensor per_sample(const at::Tensor& output, const data::Batch& batch) const override {
    const at::Tensor losses =
        at::cross_entropy_loss(classes_second(output, batch.target()), batch.target(), {}, at::Reduction::None);
    return losses.dim() == 1 ? losses : losses.flatten(1).mean(1);
  }
  at::Tensor loss(const at::Tensor& output, const data::Batch& batch) const override {
    const at::Tensor& target = batch.target();
    if (classes_come_last(output, target)) return at::cross_entropy_loss(output.flatten(0, -2), target.flatten());
    return at::cross_entropy_loss(output, target);
  }

  void check(const at::Tensor& output, const data::Batch& batch) const override {
    const at::Tensor& target = batch.target();
    const auto fail = [&](const std::string& expected) {
      throw UserError("train", "objective cross_entropy: expected " + expected + ", got an output " +
                                   shape_text(output) + " and targets " + shape_text(target));
    };
    if (!is_class_target(target)) fail("integer classes as targets");
    const bool last = classes_come_last(output, target);
    const bool fits = output.dim() == target.dim() + 1 && output.dim() >= 2 && output.size(0) == target.size(0) &&
                      (last || output.sizes().slice(2) == target.sizes().slice(1));
    if (!fits) fail("an output [rows, ..., classes] or [rows, classes, ...] and targets [rows, ...]");
    expect_classes("cross_entropy", target, last ? output.size(-1) : output.size(1));
  }

  std::unique_ptr<Metric> metric(data::TargetKind) const override { return class_accuracy(); }
};

}  // namespace

ObjectiveKind cross_entropy_objective() {
  return {{.name = "cross_entropy", .summary = "mean of -ln softmax(output) at the class of each sample"},
          [](const KindSpec&) { return std::make_shared<CrossEntropy>(); }};
}

}  // namespace gradquake::train::kinds

#include <cmath>

#include "gradquake/core/error.h"
#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train::kinds {
namespace {

class LogisticObjective : public Objective {
 public:
  bool takes(data::TargetKind targets) const override { return targets == data::TargetKind::kSigns; }
  bool label_inside() const override { return true; }

  // softplus(x) = -ln sigmoid(-x); at::softplus turns linear beyond 20, an error of 2e-9 that a recursion would see.
  at::Tensor per_sample(const at::Tensor& output, const data::Batch&) const override {
    return -at::log_sigmoid(-output);
  }
  at::Tensor loss(const at::Tensor& output, const data::Batch&) const override {
    return -at::log_sigmoid(-output).mean();
  }

  void check(const at::Tensor& output, const data::Batch& batch) const override {
    if (output.dim() == 1 && output.size(0) == batch.rows()) return;
    throw UserError("train", "objective logistic: expected an output [" + std::to_string(batch.rows()) +
                                 "], f1 = -y h^T w of each sample, got " + shape_text(output));
  }

  std::unique_ptr<Metric> metric(data::TargetKind) const override {
    return accuracy_metric([](const at::Tensor& output, const data::Batch&) { return output.lt(0); });
  }

  // sigma' is largest at 0, where w = 0 puts every sample, and falls to 0 far out.
  std::optional<LossBounds> bounds(std::int64_t) const override {
    return LossBounds{"logistic regression", 0, 0.25, 1, 1 / (6 * std::sqrt(3.0))};
  }
};

}  // namespace

ObjectiveKind logistic_objective() {
  return {{.name = "logistic", .summary = "mean of ln(1 + exp(output)), the output -y h^T w with the label inside"},
          [](const KindSpec&) { return std::make_shared<LogisticObjective>(); }};
}

}  // namespace gradquake::train::kinds

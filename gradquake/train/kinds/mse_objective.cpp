#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train::kinds {
namespace {

class Mse : public Elementwise {
 public:
  Mse() : Elementwise("mse") {}
  std::optional<LossBounds> bounds(std::int64_t outputs) const override {
    const double curvature = 2 / static_cast<double>(outputs);
    return LossBounds{"least squares", curvature, curvature, std::nullopt, 0.0};
  }

 protected:
  at::Tensor elements(const at::Tensor& output, const at::Tensor& target, std::int64_t reduction) const override {
    return at::mse_loss(output, target, reduction);
  }
};

}  // namespace

ObjectiveKind mse_objective() {
  return {{.name = "mse", .summary = "mean squared error; classes are taken one-hot"},
          [](const KindSpec&) { return std::make_shared<Mse>(); }};
}

}  // namespace gradquake::train::kinds

#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train::kinds {
namespace {

class Mae : public Elementwise {
 public:
  Mae() : Elementwise("mae") {}

 protected:
  at::Tensor elements(const at::Tensor& output, const at::Tensor& target, std::int64_t reduction) const override {
    return at::l1_loss(output, target, reduction);
  }
};

}  // namespace

ObjectiveKind mae_objective() {
  return {{.name = "mae", .summary = "mean absolute error; classes are taken one-hot"},
          [](const KindSpec&) { return std::make_shared<Mae>(); }};
}

}  // namespace gradquake::train::kinds

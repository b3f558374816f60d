#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train::kinds {
namespace {

class Huber : public Elementwise {
 public:
  explicit Huber(double delta) : Elementwise("huber"), delta_(delta) {}

 protected:
  at::Tensor elements(const at::Tensor& output, const at::Tensor& target, std::int64_t reduction) const override {
    return at::huber_loss(output, target, reduction, delta_);
  }

 private:
  double delta_;
};

}  // namespace

ObjectiveKind huber_objective() {
  return {{.name = "huber",
           .summary = "squared error / 2 up to delta, then linear; classes are taken one-hot",
           .parameters =
               {Parameter::number("delta", "largest error that counts squared").in(Range::positive()).by_default(1.0)}},
          [](const KindSpec& spec) { return std::make_shared<Huber>(spec.number("delta")); }};
}

}  // namespace gradquake::train::kinds

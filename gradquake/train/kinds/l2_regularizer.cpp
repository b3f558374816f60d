#include "gradquake/train/kinds/regularizers.h"

namespace gradquake::train::kinds {
namespace {

class L2Regularizer : public Regularizer {
 public:
  explicit L2Regularizer(double weight) : weight_(weight) {}
  at::Tensor loss(const std::vector<at::Tensor>& parameters) const override {
    return weight_ * sum_of_terms(parameters, [](const at::Tensor& w) { return w.square(); });
  }
  at::Tensor add_gradient(const at::Tensor& gradient, const at::Tensor& parameter) const override {
    return at::add(gradient, parameter, 2 * weight_);
  }
  double smoothness() const override { return 2 * weight_; }
  bool quadratic() const override { return true; }

 private:
  double weight_;
};

}  // namespace

RegularizerKind l2_regularizer() {
  return {{.name = "l2", .summary = "adds rho * sum_j w_j^2"},
          [](const KindSpec& spec) { return std::make_unique<L2Regularizer>(spec.number("weight")); }};
}

}  // namespace gradquake::train::kinds

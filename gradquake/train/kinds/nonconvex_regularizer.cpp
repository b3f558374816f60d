#include "gradquake/train/kinds/regularizers.h"

namespace gradquake::train::kinds {
namespace {

class NonconvexRegularizer : public Regularizer {
 public:
  explicit NonconvexRegularizer(double weight) : weight_(weight) {}
  at::Tensor loss(const std::vector<at::Tensor>& parameters) const override {
    return weight_ * sum_of_terms(parameters, [](const at::Tensor& w) {
             const at::Tensor squared = w.square();
             return squared / (1 + squared);
           });
  }
  at::Tensor add_gradient(const at::Tensor& gradient, const at::Tensor& parameter) const override {
    return at::add(gradient, parameter / (1 + parameter.square()).square(), 2 * weight_);
  }
  double smoothness() const override { return 2 * weight_; }  // at w = 0
  bool quadratic() const override { return false; }

 private:
  double weight_;
};

}  // namespace

RegularizerKind nonconvex_regularizer() {
  return {{.name = "nonconvex", .summary = "adds rho * sum_j w_j^2 / (1 + w_j^2)"},
          [](const KindSpec& spec) { return std::make_unique<NonconvexRegularizer>(spec.number("weight")); }};
}

}  // namespace gradquake::train::kinds

#include <ATen/Functions.h>

#include <algorithm>

#include "gradquake/core/error.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/model/dropped_site.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/operators.h"

namespace gradquake::model::kinds {
namespace {

using Activation = at::Tensor (*)(const at::Tensor&);

at::Tensor relu(const at::Tensor& x) { return at::relu(x); }
at::Tensor tanh(const at::Tensor& x) { return at::tanh(x); }
at::Tensor gelu(const at::Tensor& x) { return at::gelu(x); }
at::Tensor sigmoid(const at::Tensor& x) { return at::sigmoid(x); }

const std::vector<std::pair<std::string, Activation>>& activations() {
  static const std::vector<std::pair<std::string, Activation>> table = {
      {"relu", relu}, {"tanh", tanh}, {"gelu", gelu}, {"sigmoid", sigmoid}};
  return table;
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& [name, unused] : activations()) names.push_back(name);
  return names;
}

Activation activation_named(const std::string& name) {
  return std::find_if(activations().begin(), activations().end(), [&](const auto& row) { return row.first == name; })
      ->second;
}

class Mlp : public Model {
 public:
  Mlp(const std::vector<std::int64_t>& widths, Activation activation, double dropout)
      : operators_(register_layers(*this, widths, true)), activation_(activation), dropout_(dropout) {}

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor y = input.flatten(1);
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      auto& [linear, site] = operators_[i];
      if (i + 1 == operators_.size()) return tap_operator(site, linear, y);
      y = DroppedSite{site, dropout_}(*linear, y, is_training(), [&, &linear = linear](const at::Tensor& x) {
        return activation_(linear->forward(x));
      });
    }
    return y;
  }

 private:
  std::vector<LinearOperator> operators_;
  Activation activation_;
  double dropout_;
};

std::shared_ptr<Model> make_mlp(const KindSpec& spec, const ModelInput& input) {
  expect_fitting_widths("mlp", spec.integers("widths"), input);
  return std::make_shared<Mlp>(spec.integers("widths"), activation_named(spec.text("activation")),
                               spec.number("dropout"));
}

}  // namespace

Parameter widths(std::string meaning) {
  constexpr std::int64_t kLargestWidth = 1 << 24;
  return Parameter::integers("widths", std::move(meaning)).between(1, kLargestWidth);
}

std::optional<KindProblem> check_widths(const KindSpec& spec) {
  if (!spec.has("widths") || spec.integers("widths").size() >= 2) return std::nullopt;
  return KindProblem{"widths", "expected an input and an output width at least, got fewer"};
}

ModelKind mlp() {
  return {{.name = "mlp",
           .summary = "linear maps with an activation behind each but the last",
           .parameters =
               {widths("input, hidden..., output features"),
                Parameter::choice("activation", activation_names(), "behind each hidden layer").by_default("relu"),
                Parameter::number("dropout", "probability, after each hidden activation")
                    .in({.min = 0, .max = 1, .max_open = true})
                    .by_default(0.0)},
           .check = check_widths},
          make_mlp};
}

}  // namespace gradquake::model::kinds

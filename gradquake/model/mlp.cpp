#include <ATen/Functions.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/builtin.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/operators.h"

namespace gradquake::model {
namespace {

using Activation = at::Tensor (*)(const at::Tensor&);

at::Tensor relu(const at::Tensor& x) { return at::relu(x); }
at::Tensor tanh(const at::Tensor& x) { return at::tanh(x); }
at::Tensor gelu(const at::Tensor& x) { return at::gelu(x); }
at::Tensor sigmoid(const at::Tensor& x) { return at::sigmoid(x); }

Activation find_activation(const std::string& name) {
  if (name == "relu") return relu;
  if (name == "tanh") return tanh;
  if (name == "gelu") return gelu;
  if (name == "sigmoid") return sigmoid;
  throw UserError("model", "mlp: expected an activation of relu, tanh, gelu, sigmoid, got '" + name + "'");
}

class Mlp : public Model {
 public:
  Mlp(const std::vector<std::int64_t>& widths, Activation activation, double dropout)
      : operators_(register_layers(*this, widths, true)), activation_(activation), dropout_(dropout) {}

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor y = input.flatten(1);
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      auto& [linear, site] = operators_[i];
      y = linear->forward(y);
      if (i + 1 < operators_.size()) {
        y = activation_(y);
        if (dropout_ > 0) y = at::dropout(y, dropout_, is_training());
      }
      y = tap(site, std::move(y));
    }
    return y;
  }

 private:
  std::vector<LinearOperator> operators_;
  Activation activation_;
  double dropout_;
};

}  // namespace

std::shared_ptr<Model> make_mlp(const ModelConfig& config, const ModelInput& input) {
  expect_fitting_widths("mlp", config.widths, input);
  if (!(config.dropout >= 0 && config.dropout < 1))
    throw UserError("model", "mlp: expected a dropout in [0, 1), got " + std::to_string(config.dropout));
  return std::make_shared<Mlp>(config.widths, find_activation(config.activation), config.dropout);
}

}  // namespace gradquake::model

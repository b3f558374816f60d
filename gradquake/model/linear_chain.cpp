#include <torch/nn/init.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/builtin.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/operators.h"

namespace gradquake::model {
namespace {

class LinearChain : public Model {
 public:
  explicit LinearChain(const std::vector<std::int64_t>& widths) : operators_(register_layers(*this, widths, false)) {}

  void make_orthogonal(double factor) {
    for (auto& [linear, site] : operators_) torch::nn::init::orthogonal_(linear->weight, factor);
  }

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor y = input.flatten(1);
    for (auto& [linear, site] : operators_) y = tap(site, linear->forward(y));
    return y;
  }

 private:
  std::vector<LinearOperator> operators_;
};

std::vector<std::int64_t> chain_widths(const ModelConfig& config, const ModelInput& input) {
  if (config.depth == 0) return config.widths;
  std::vector<std::int64_t> widths(static_cast<std::size_t>(config.depth), flat_features(input));
  widths.push_back(output_features(input));
  return widths;
}

}  // namespace

std::shared_ptr<Model> make_linear_chain(const ModelConfig& config, const ModelInput& input) {
  if ((config.depth > 0) != config.widths.empty())
    throw UserError("model", "linear_chain: expected either widths or a depth, got " +
                                 std::string(config.depth > 0 ? "both" : "neither"));
  const auto widths = chain_widths(config, input);
  expect_fitting_widths("linear_chain", widths, input);
  auto chain = std::make_shared<LinearChain>(widths);
  if (config.orthogonal) chain->make_orthogonal(config.factor);
  return chain;
}

}  // namespace gradquake::model

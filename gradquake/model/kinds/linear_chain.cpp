#include <torch/nn/init.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/operators.h"

namespace gradquake::model::kinds {
namespace {

class LinearChain : public Model {
 public:
  explicit LinearChain(const std::vector<std::int64_t>& widths) : operators_(register_layers(*this, widths, false)) {}

  void make_orthogonal(double factor) {
    for (auto& [linear, site] : operators_) torch::nn::init::orthogonal_(linear->weight, factor);
  }

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor y = input.flatten(1);
    for (auto& [linear, site] : operators_) y = tap_operator(site, linear, y);
    return y;
  }
  std::optional<std::int64_t> linear_outputs() const override {
    if (operators_.size() > 1) return std::nullopt;
    return operators_.front().linear->weight.size(0);
  }

 private:
  std::vector<LinearOperator> operators_;
};

std::vector<std::int64_t> chain_widths(const KindSpec& spec, const ModelInput& input) {
  if (spec.has("widths")) return spec.integers("widths");
  std::vector<std::int64_t> widths(static_cast<std::size_t>(spec.integer("depth")), flat_features(input));
  widths.push_back(output_features(input));
  return widths;
}

std::shared_ptr<Model> make_linear_chain(const KindSpec& spec, const ModelInput& input) {
  const auto widths = chain_widths(spec, input);
  expect_fitting_widths("linear_chain", widths, input);
  auto chain = std::make_shared<LinearChain>(widths);
  if (spec.flag("orthogonal")) chain->make_orthogonal(spec.number("factor"));
  return chain;
}

}  // namespace

ModelKind linear_chain() {
  return {
      {.name = "linear_chain",
       .summary = "linear maps without bias, one behind the other",
       .parameters =
           {Parameter::integer("depth", "number of maps, square but for the last; in place of widths")
                .between(1, 1000)
                .optional(),
            widths("input, hidden..., output features; in place of depth").optional(),
            Parameter::flag("orthogonal", "weights = factor * (semi-)orthogonal matrices").by_default(false),
            Parameter::number("factor", "of every map").in(Range::positive()).by_default(1.0).only_with("orthogonal")},
       .check = [](const KindSpec& spec) -> std::optional<KindProblem> {
         if (spec.has("depth") == spec.has("widths"))
           return KindProblem{spec.has("depth") ? "depth" : "widths", "expected either widths or a depth"};
         return check_widths(spec);
       }},
      make_linear_chain};
}

}  // namespace gradquake::model::kinds

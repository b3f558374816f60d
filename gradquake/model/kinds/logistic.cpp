#include <ATen/Functions.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/model.h"

namespace gradquake::model::kinds {
namespace {

class Logistic : public Model {
 public:
  explicit Logistic(std::int64_t features) : weight_(register_parameter("w", at::zeros({features}))) {}

  at::Tensor forward(const at::Tensor& input) override { return input.flatten(1).mv(weight_); }

  at::Tensor forward_batch(const data::Batch& batch) override {
    return tap(site_, (batch.target() * forward(batch.input())).neg());
  }
  bool label_inside() const override { return true; }
  std::optional<std::int64_t> linear_outputs() const override { return 1; }

 private:
  at::Tensor weight_;
  Site site_{"f1"};
};

std::shared_ptr<Model> make_logistic(const KindSpec&, const ModelInput& input) {
  if (input.classes > 0 || input.numbers > 0) {
    throw UserError("model", "logistic: expected data with labels -1 / +1, got " +
                                 (input.classes > 0 ? std::to_string(input.classes) + " classes"
                                                    : "targets of " + std::to_string(input.numbers) + " numbers"));
  }
  expect_weight_size("logistic", 1, flat_features(input));
  return std::make_shared<Logistic>(flat_features(input));
}

}  // namespace

ModelKind logistic() {
  return {{.name = "logistic",
           .summary = "f1 = -y h^T w with the label inside, for labels -1 / +1",
           .companions = {{"objective", "logistic"}}},
          make_logistic};
}

}  // namespace gradquake::model::kinds

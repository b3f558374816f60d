#include "gradquake/model/registry.h"

#include <ATen/CPUGeneratorImpl.h>

#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/core/kind_table.h"
#include "gradquake/model/builtin.h"
#include "gradquake/model/model.h"
#include "gradquake/model/weights.h"

namespace gradquake::model {
namespace {

KindTable<ModelFactory>& table() {
  static KindTable<ModelFactory> instance("model", {{"cnn", {make_cnn, {}}},
                                                    {"linear_chain", {make_linear_chain, {}}},
                                                    {"logistic", {make_logistic, {}}},
                                                    {"mlp", {make_mlp, {}}}});
  return instance;
}

// Seeds torch's global generator, from which modules draw their weights, and puts its state back.
class SeededGenerator {
 public:
  explicit SeededGenerator(std::uint64_t seed) : generator_(at::detail::getDefaultCPUGenerator()) {
    const std::lock_guard lock(generator_.mutex());
    state_ = generator_.get_state();
    generator_.set_current_seed(seed);
  }
  ~SeededGenerator() {
    const std::lock_guard lock(generator_.mutex());
    generator_.set_state(state_);
  }
  SeededGenerator(const SeededGenerator&) = delete;
  SeededGenerator& operator=(const SeededGenerator&) = delete;

 private:
  at::Generator generator_;
  at::Tensor state_;
};

}  // namespace

void register_model(std::string kind, ModelFactory factory, std::vector<std::string> parameter_names) {
  table().add(kind, std::move(factory), std::move(parameter_names));
}

std::vector<std::string> model_kinds() { return table().names(); }

std::vector<std::string> model_parameters(const std::string& kind) { return table().find(kind).parameter_names; }

std::shared_ptr<Model> make_model(const ModelConfig& config, const ModelInput& input, std::uint64_t seed) {
  const auto kind = table().find(config.kind);
  const SeededGenerator generator(seed);
  auto model = kind.factory(config, input);
  if (model == nullptr)
    throw UserError("model", "expected a model from the factory of '" + config.kind + "', got none");
  if (config.weights) load_weights(*config.weights, *model);
  model->train();
  return model;
}

}  // namespace gradquake::model

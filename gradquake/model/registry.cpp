#include "gradquake/model/registry.h"

#include <ATen/CPUGeneratorImpl.h>

#include <exception>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/model.h"
#include "gradquake/model/weights.h"

namespace gradquake::model {
namespace {

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

Registry<ModelFactory>& models() {
  static Registry<ModelFactory> registry("model",
                                         {kinds::mlp(), kinds::cnn(), kinds::linear_chain(), kinds::logistic()});
  return registry;
}

std::shared_ptr<Model> make_model(const ModelConfig& config, const ModelInput& input, std::uint64_t seed) {
  const SeededGenerator generator(seed);
  std::shared_ptr<Model> model;
  try {
    const KindSpec spec = models().complete(config.spec);
    model = models().factory(spec.kind)(spec, input);
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError("model", "kind '" + config.spec.kind + "': " + error.what());
  }
  if (model == nullptr) {
    throw UserError("model", "expected a model from the factory of '" + config.spec.kind + "', got none");
  }
  if (config.weights) load_weights(*config.weights, *model);
  model->train();
  return model;
}

}  // namespace gradquake::model

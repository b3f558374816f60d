#include "gradquake/model/registry.h"

#include <ATen/CPUGeneratorImpl.h>

#include <map>
#include <mutex>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/model/builtin.h"
#include "gradquake/model/model.h"
#include "gradquake/model/weights.h"

namespace gradquake::model {
namespace {

struct Kind {
  ModelFactory factory;
  std::vector<std::string> parameter_names;
};

struct Table {
  std::mutex mutex;
  std::map<std::string, Kind> kinds{{"cnn", {make_cnn, {}}},
                                    {"linear_chain", {make_linear_chain, {}}},
                                    {"logistic", {make_logistic, {}}},
                                    {"mlp", {make_mlp, {}}}};
};

Table& table() {
  static Table instance;
  return instance;
}

Kind find_kind(const std::string& kind) {
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  const auto found = known.kinds.find(kind);
  if (found != known.kinds.end()) return found->second;
  std::string names;
  for (const auto& [name, unused] : known.kinds) names += (names.empty() ? "" : ", ") + name;
  throw UserError("model", "expected a model kind of " + names + ", got '" + kind + "'");
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
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  if (!known.kinds.emplace(kind, Kind{std::move(factory), std::move(parameter_names)}).second)
    throw UserError("model", "expected a new model kind, got '" + kind + "', which exists");
}

std::vector<std::string> model_kinds() {
  Table& known = table();
  const std::lock_guard lock(known.mutex);
  std::vector<std::string> names;
  for (const auto& [name, unused] : known.kinds) names.push_back(name);
  return names;
}

std::vector<std::string> model_parameters(const std::string& kind) { return find_kind(kind).parameter_names; }

std::shared_ptr<Model> make_model(const ModelConfig& config, const ModelInput& input, std::uint64_t seed) {
  const Kind kind = find_kind(config.kind);
  const SeededGenerator generator(seed);
  auto model = kind.factory(config, input);
  if (model == nullptr)
    throw UserError("model", "expected a model from the factory of '" + config.kind + "', got none");
  if (config.weights) load_weights(*config.weights, *model);
  model->train();
  return model;
}

}  // namespace gradquake::model

#include "gradquake/hooks/perturbation.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/nearest.h"

namespace gradquake {
namespace {

struct Kind {
  PerturbationFactory make;
  std::vector<std::string> parameters;
};

PerturbationFactory noise(Variate variate) {
  return [variate](const PerturbationSpec& spec) { return std::make_unique<NoisePerturbation>(variate, spec); };
}

struct Table {
  std::mutex mutex;
  std::map<std::string, Kind> kinds = {{"gaussian", {noise(Variate::kGaussian), {}}},
                                       {"uniform", {noise(Variate::kUniform), {}}},
                                       {"rademacher", {noise(Variate::kRademacher), {}}},
                                       {"constant", {noise(Variate::kConstant), {}}}};
};

Table& table() {
  static Table instance;
  return instance;
}

Kind kind_named(const std::string& name) {
  const std::scoped_lock lock(table().mutex);
  const auto& kinds = table().kinds;
  const auto kind = kinds.find(name);
  if (kind == kinds.end()) {
    std::vector<std::string> names;
    for (const auto& [known, unused] : kinds) {
      names.push_back(known);
    }
    throw std::invalid_argument("[hooks] expected a known perturbation kind, nearest " +
                                detail::nearest_names(name, names, 1) + "; got '" + name + "'");
  }
  return kind->second;
}

}  // namespace

Perturbation::~Perturbation() = default;

void register_perturbation(std::string name, PerturbationFactory factory, std::vector<std::string> parameter_names) {
  if (name.empty() || !factory) {
    throw std::invalid_argument("[hooks] expected a name and a factory for a perturbation kind, got an empty one");
  }
  const std::scoped_lock lock(table().mutex);
  if (!table().kinds.try_emplace(name, Kind{std::move(factory), std::move(parameter_names)}).second) {
    throw std::invalid_argument("[hooks] expected a new name for a perturbation kind, got '" + name +
                                "', which is taken");
  }
}

std::vector<std::string> perturbation_kinds() {
  const std::scoped_lock lock(table().mutex);
  std::vector<std::string> names;
  for (const auto& [name, kind] : table().kinds) {
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> perturbation_parameters(const std::string& kind) { return kind_named(kind).parameters; }

std::unique_ptr<Perturbation> make_perturbation(const PerturbationSpec& spec) {
  const Kind kind = kind_named(spec.kind);
  for (const auto& [name, value] : spec.parameters) {
    if (std::find(kind.parameters.begin(), kind.parameters.end(), name) == kind.parameters.end()) {
      throw std::invalid_argument("[hooks] expected a parameter of kind '" + spec.kind + "', nearest " +
                                  detail::nearest_names(name, kind.parameters, 1) + "; got '" + name + "'");
    }
  }
  return kind.make(spec);
}

}  // namespace gradquake

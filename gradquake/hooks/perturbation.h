// What is done to a tensor: the interface to extend with kinds of one's own. Registered by name, a kind is used like
// the built-in gaussian, uniform, rademacher and constant.
//
//   struct Quantise : gradquake::Perturbation {
//     explicit Quantise(double s) : step(s) {}
//     double step;
//     gradquake::Perturbed apply(const at::Tensor& y, const gradquake::PerturbationContext&) const override {
//       return {(y / step).round() * step, std::nullopt};     // the ledger takes its norms from value - y
//     }
//   };
//   gradquake::register_perturbation(
//       "quantise",
//       [](const gradquake::PerturbationSpec& s) { return std::make_unique<Quantise>(s.parameters.at("step")); },
//       {"step"});
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/rule.h"

namespace gradquake {

// Where and when a perturbation is applied.
struct PerturbationContext {
  Stream stream;  // of this rule, site, direction, step and occurrence
  Direction direction = Direction::kForward;
  std::int64_t step = 0;
  double amplitude = 1;                  // amplitude(t) of the rule's schedule
  double loss_divisor = 1;               // backward: eps, stated per sample, enters as eps / loss_divisor; forward: 1
  double reference_rms = 0;              // R: RMS of the tensor before any rule; measured only under relative_to rms
  std::int64_t first_row = 0, rows = 0;  // as in StepContext; rows resolved, 0 where the samples cannot be told apart
  std::vector<std::int64_t> element_order;  // dimensions from the slowest to the fastest for element addresses: the
                                            // batch, then the rest in the tapped tensor's memory order
  const std::vector<std::int64_t>* sample_ids = nullptr;  // as in StepContext; never null when applied by a plan
  const std::string* site = nullptr;                      // its name; never null when applied by a plan
};

// `value`: a new tensor with the shape, strides, dtype and device of the one given. `norms`: if empty, taken from
// value - tensor.
struct Perturbed {
  at::Tensor value;
  std::optional<AddedNorms> norms;
};

class GRADQUAKE_EXPORT Perturbation {
 public:
  virtual ~Perturbation();
  // Called without grad mode, possibly from several threads at once. Never writes into `tensor`, never draws from
  // LibTorch's generators: take random numbers from context.stream.
  virtual Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const = 0;
};

// Makes a perturbation from a rule; throws std::invalid_argument on values out of range.
using PerturbationFactory = std::function<std::unique_ptr<Perturbation>(const PerturbationSpec&)>;

// Adds a kind; `parameter_names`: the keys of PerturbationSpec::parameters it takes, others are refused. Throws
// std::invalid_argument when the name is empty or taken.
GRADQUAKE_EXPORT void register_perturbation(std::string name, PerturbationFactory factory,
                                            std::vector<std::string> parameter_names);

// The known kinds, sorted.
GRADQUAKE_EXPORT std::vector<std::string> perturbation_kinds();
// The parameter names of a kind; throws std::invalid_argument naming the nearest kind when it is unknown.
GRADQUAKE_EXPORT std::vector<std::string> perturbation_parameters(const std::string& kind);
// Makes the perturbation of a rule. Throws as the factory does, and on an unknown kind or parameter, naming the
// nearest.
GRADQUAKE_EXPORT std::unique_ptr<Perturbation> make_perturbation(const PerturbationSpec& spec);

}  // namespace gradquake

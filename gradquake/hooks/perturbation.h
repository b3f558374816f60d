// What is done to a tensor: the interface to extend with kinds of one's own. Added to the registry, a kind is used like
// the built-in gaussian, uniform, rademacher and constant, and its parameters are read, checked and printed alike.
//
//   struct Quantise : gradquake::Perturbation {
//     explicit Quantise(double s) : step(s) {}
//     double step;
//     gradquake::Perturbed apply(const at::Tensor& y, const gradquake::PerturbationContext&) const override {
//       return {(y / step).round() * step, std::nullopt};     // the ledger takes its norms from value - y
//     }
//   };
//   using gradquake::Parameter;
//   gradquake::perturbations().add(
//       {"quantise", "rounds to multiples of a step", {Parameter::number("step", "the step").in(Range::positive())}},
//       [](const gradquake::KindSpec& spec) { return std::make_unique<Quantise>(spec.number("step")); });
//
// The built-in noise adds amplitude(t) * R * (mean + scale * z): z ~ N(0,1) gaussian, U[-1,1) uniform, +-1 rademacher,
// density exp(-|z|) / 2 laplace, 1 constant; R = RMS of the tensor under relative_to rms, else 1. With relative_to none
// a backward perturbation eps is stated per sample and enters autograd's tensor as eps / loss_divisor (docs/theory.md
// 1); with rms nothing is divided.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"
#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/registry.h"
#include "gradquake/hooks/rule.h"

namespace gradquake {

// What one value of the outcome depends on, beside its address: its element, its sample, or the whole tensor. What
// depends on more than its sample comes out otherwise where a batch is split.
enum class Scope { kElement, kSample, kBatch };

// What the outcome at one address owes to chance: nothing; something; or noise that is added, and as likely as its
// negative.
enum class Chance { kNone, kSome, kSymmetric };

// Where and when a perturbation is applied.
struct PerturbationContext {
  Stream stream;  // of this rule, site, direction, step and occurrence
  Direction direction = Direction::kForward;
  std::int64_t step = 0;
  double amplitude = 1;      // amplitude(t) of the rule's schedule
  double loss_divisor = 1;   // backward: eps, stated per sample, enters as eps / loss_divisor; forward: 1
  double reference_rms = 0;  // R: RMS of the tensor before any rule; measured only for kinds that ask for it
  std::int64_t first_row = 0, rows = 0;  // as in StepContext; rows resolved, 0 where the samples cannot be told apart
  std::vector<std::int64_t> element_order;  // dimensions from the slowest to the fastest for element addresses: the
                                            // batch, then the rest in the tapped tensor's memory order
  const std::vector<std::int64_t>* sample_ids = nullptr;  // as in StepContext; never null when applied by a plan
  const std::string* site = nullptr;                      // its name; never null when applied by a plan
  bool wants_slope = false;                               // the rule says gradient: exact
  MemoryVisit memory = {};                                // of kinds that ask for one; else, and where none is kept,
                                                          // there is nothing to recall
};

// `value`: a new tensor with the shape, strides, dtype and device of the one given. `norms`: if empty, taken from
// value - tensor. `slope`, where it is wanted: d value / d tensor, element by element, of a shape that broadcasts;
// undefined: 1.
struct Perturbed {
  at::Tensor value;
  std::optional<AddedNorms> norms = {};
  at::Tensor slope = {};
};

// Of one element x = mean + scale * z of what is added, with R and the amplitude 1, for a draw per element.
struct ElementMoments {
  double mean = 0;    // E x; 0: a perturbation without bias
  double second = 0;  // E x^2
  double fourth = 0;  // E x^4
};

class GRADQUAKE_EXPORT Perturbation {
 public:
  virtual ~Perturbation();
  // Called without grad mode, possibly from several threads at once. Never writes into `tensor`, never draws from
  // LibTorch's generators: take random numbers from context.stream.
  virtual Perturbed apply(const at::Tensor& tensor, const PerturbationContext& context) const = 0;
  // Whether apply needs context.reference_rms.
  virtual bool needs_reference_rms() const;
  // "gaussian scale 0.1, one draw per element": in words; "": the kind and its parameters say it.
  virtual std::string describe() const;
  // Whether apply uses context.amplitude: false where there is nothing that it could scale.
  virtual bool has_amplitude() const;
  // Whether apply gives the slope, so that a rule can say gradient: exact.
  virtual bool has_slope() const;
  virtual Scope scope() const;
  virtual Chance chance() const;
  // What it keeps from step to step; empty: nothing.
  virtual std::optional<MemoryNeed> memory() const;
  // In closed form, where what is added does not depend on the tensor; empty: not known.
  virtual std::optional<ElementMoments> moments() const;
};

// Makes a perturbation from a complete spec.
using PerturbationFactory = std::function<std::unique_ptr<Perturbation>(const KindSpec&)>;

GRADQUAKE_EXPORT Registry<PerturbationFactory>& perturbations();

// The perturbation of a rule. Throws std::invalid_argument as KindGroup::complete and the factory do.
GRADQUAKE_EXPORT std::unique_ptr<Perturbation> make_perturbation(const KindSpec& spec);

// The rule's perturbation in words.
GRADQUAKE_EXPORT std::string describe_perturbation(const KindSpec& spec);

}  // namespace gradquake

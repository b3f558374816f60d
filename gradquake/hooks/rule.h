// Rules as data: which sites, which direction, what is added, at which steps. Torch-free, so that a config reader can
// fill them; a Plan (plan.h) resolves them against a model's sites.
//
//   Rule rule;
//   rule.sites = "layers.*";
//   rule.perturbation = {"gaussian", {{"scale", 0.1}, {"draw", "per_sample"}}};
//   rule.schedule = {"every", {{"interval", 100}, {"amplitude", KindSpec{"decay", {{"power", 0.5}}}}}};
//
// The kinds and their parameters: perturbation.h, schedule.h and `gradquake kinds`. What is left out has its default.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/kind_spec.h"

namespace gradquake {

enum class Direction { kForward, kBackward, kBoth };

template <>
struct EnumTexts<Direction> {
  static constexpr std::array<std::pair<Direction, const char*>, 3> table = {
      {{Direction::kForward, "forward"}, {Direction::kBackward, "backward"}, {Direction::kBoth, "both"}}};
};

// What a perturbation is relative to, and how many draws it takes (perturbation.h).
enum class RelativeTo { kNone, kRms };
enum class DrawMode { kPerStep, kPerSample, kPerFeature, kPerElement };

template <>
struct EnumTexts<RelativeTo> {
  static constexpr std::array<std::pair<RelativeTo, const char*>, 2> table = {
      {{RelativeTo::kNone, "none"}, {RelativeTo::kRms, "rms"}}};
};

template <>
struct EnumTexts<DrawMode> {
  static constexpr std::array<std::pair<DrawMode, const char*>, 4> table = {{{DrawMode::kPerStep, "per_step"},
                                                                             {DrawMode::kPerSample, "per_sample"},
                                                                             {DrawMode::kPerFeature, "per_feature"},
                                                                             {DrawMode::kPerElement, "per_element"}}};
};

// What `sites` name and the rule perturbs: the tensors at sites, or parameters by their names in state_dict(). A weight
// is perturbed for the passes of a step (direction forward), its gradient behind them (direction backward): weights.h.
enum class Target { kActivation, kWeight, kWeightGradient };

template <>
struct EnumTexts<Target> {
  static constexpr std::array<std::pair<Target, const char*>, 3> table = {
      {{Target::kActivation, "activation"}, {Target::kWeight, "weight"}, {Target::kWeightGradient, "weight_gradient"}}};
};

// What the backward pass sees of a forward perturbation y -> y~: the gradient of y is
//   identity              that of y~: what was added is a constant (straight-through; the paper's (5))
//   exact                 that of y~ times d y~ / d y, for kinds that have one
//   zero_where_changed    that of y~ where y~ = y, else 0
enum class Gradient { kIdentity, kExact, kZeroWhereChanged };

template <>
struct EnumTexts<Gradient> {
  static constexpr std::array<std::pair<Gradient, const char*>, 3> table = {
      {{Gradient::kIdentity, "identity"},
       {Gradient::kExact, "exact"},
       {Gradient::kZeroWhereChanged, "zero_where_changed"}}};
};

struct Rule {
  std::string label = {};   // empty: its position in the list
  std::string sites = "*";  // glob: * any characters (dots included), ? one, [ab] [a-c] [!a] one of a set
  Target target = Target::kActivation;
  Direction direction = Direction::kForward;
  KindSpec perturbation = "gaussian";
  KindSpec schedule = "every";
  Gradient gradient = Gradient::kIdentity;
  bool may_be_idle = false;  // it is no mistake if the rule never changes anything within the run
};

// Whether the rule acts in a direction; in kBoth: in any.
GRADQUAKE_EXPORT bool acts(const Rule& rule, Direction direction);

// The rule's label, or its position where it has none.
GRADQUAKE_EXPORT std::string label_of(const Rule& rule, std::size_t position);

}  // namespace gradquake

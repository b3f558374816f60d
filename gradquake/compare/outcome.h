// What perturbations cost where it counts: networks trained under them, forward only, backward only, both, and none,
// over seeds. The arms of a seed start from the same weights and meet the same batches; their draws are unrelated.
//
//   cost           (l - l0) / l0: evaluation loss against that of the seed's run without perturbations, taps off
//   served_cost    the same with the forward taps on: what hardware with such a forward pass would serve
//   diverged       share of networks that became non-finite, or whose loss is above diverged_loss_factor times the
//                  first one's; they count with that
//   spikes         that the robust detector saw, a network
//
// Which direction costs more is looked at after 5, 10, 20 and 30 seeds (as far as `seeds` goes), with what Lan and
// DeMets' O'Brien-Fleming function allows to spend of 5 % at each look; the first look that decides is the last. The
// other figures are descriptive, with 95 % intervals over seeds: Student's t, for shares Clopper and Pearson.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/interval.h"
#include "gradquake/compare/networks.h"
#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"

namespace gradquake::compare {

enum class Arm { kNone, kForward, kBackward, kBoth };

}  // namespace gradquake::compare

template <>
struct gradquake::EnumTexts<gradquake::compare::Arm> {
  using Arm = gradquake::compare::Arm;
  static constexpr std::array<std::pair<Arm, const char*>, 4> table = {
      {{Arm::kNone, "none"}, {Arm::kForward, "forward"}, {Arm::kBackward, "backward"}, {Arm::kBoth, "both"}}};
};

namespace gradquake::compare {

struct OutcomeArm {
  std::string kind;
  Arm arm = Arm::kForward;
  Interval loss, cost, served_cost, diverged, spikes;
  std::optional<Interval> accuracy;
  std::vector<Network> networks;  // by seed
};

// Of one kind: cost forward - cost backward.
struct Difference {
  std::string kind;
  Interval cost;
  std::string worse;  // "forward", "backward" or "undecided"
};

struct Outcome {
  std::int64_t seeds = 0;  // of each arm
  std::vector<OutcomeArm> arms;
  std::vector<Difference> differences;
};

// `seed`: of the first networks, whose numbers follow each other. Throws UserError.
GRADQUAKE_EXPORT Outcome outcome(const CompareConfig& asked, std::uint64_t seed, Networks& networks);

// What of 5 % a look at a share of all seeds may spend, all looks up to it together: 2 - 2 Phi(1.96 / sqrt(share)).
GRADQUAKE_EXPORT double spent_at(double share);

}  // namespace gradquake::compare

// What perturbations cost where it counts: networks trained under them, forward only, backward only, both, and none,
// over seeds. The arms of a seed start from the same weights and meet the same batches; their draws are unrelated.
//
//   cost           (l - l0) / l0: evaluation loss against that of the seed's run without perturbations, taps off
//   served_cost    the same with the forward taps on: what hardware with such a forward pass would serve
//   diverged       runs that became non-finite, or whose loss is above diverged_loss_factor times the first one's. They
//                  count with that
//
// Which direction costs more is looked at after 5, 10, 20 and 30 seeds (as far as `seeds` goes), with what Lan and
// DeMets' O'Brien-Fleming function allows to spend of 5 % at each look; the first look that decides is the last. The
// other figures are descriptive, with 95 % intervals over seeds: Student's t, for shares Clopper and Pearson.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/interval.h"
#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/run/run_config.h"

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

// One network that was trained.
struct OutcomeRun {
  std::string kind;  // its label; "" in arm none
  Arm arm = Arm::kNone;
  std::uint64_t seed = 1;
  double first_loss = 0;
  double loss = 0;         // as counted where it diverged
  double served_loss = 0;  // the same where no forward rule acts
  std::optional<double> accuracy;
  bool diverged = false;
};

struct OutcomeArm {
  std::string kind;
  Arm arm = Arm::kForward;
  Interval loss, cost, served_cost, diverged;
  std::optional<Interval> accuracy;
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
  std::vector<OutcomeRun> runs;
};

// `found`: runs that are there already, of the same config; `keep`: called with each new one.
GRADQUAKE_EXPORT Outcome outcome(const run::RunConfig& config, const CompareConfig& asked,
                                 std::vector<OutcomeRun> found, const std::function<void(const OutcomeRun&)>& keep,
                                 const std::function<void(std::size_t done, std::size_t most)>& tick);

// One run as a line of JSON, and back.
GRADQUAKE_EXPORT std::string to_line(const OutcomeRun& run);
GRADQUAKE_EXPORT OutcomeRun outcome_run_of(const std::string& line);

// What of 5 % a look at a share of all seeds may spend, all looks up to it together: 2 - 2 Phi(1.96 / sqrt(share)).
GRADQUAKE_EXPORT double spent_at(double share);

}  // namespace gradquake::compare

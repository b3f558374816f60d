// Rules as data: which sites, which direction, what is added, at which steps. Torch-free, so that a config reader can
// fill them; a Plan (plan.h) resolves them against a model's sites.
//
//   perturbation = amplitude(t) * R * (mean + scale * z),   R = RMS of the tensor under RelativeTo::kRms, else 1
//
// With RelativeTo::kNone a backward perturbation eps is stated per sample and enters autograd's tensor as
// eps / loss_divisor (THEORY: batches); with kRms nothing is divided.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gradquake {

enum class Direction { kForward, kBackward, kBoth };
enum class RelativeTo { kNone, kRms };
enum class DrawMode { kPerStep, kPerSample, kPerFeature, kPerElement };

// What z is and how large. kind: gaussian z ~ N(0,1) | uniform z ~ U[-1,1) | rademacher z = +-1 | constant z = 1,
// or a name added with register_perturbation.
struct PerturbationSpec {
  std::string kind = "gaussian";
  double scale = 0.0;  // standard deviation; half-width for uniform; size for rademacher; value for constant
  double mean = 0.0;
  RelativeTo relative_to = RelativeTo::kNone;
  DrawMode draw = DrawMode::kPerElement;
  std::map<std::string, double> parameters = {};  // of a user's own kind
};

// When a rule fires, and how strongly.
//   every:       from <= step < until and (step - offset) mod interval == 0
//   at:          step is one of `steps`
//   probability: one coin per rule and step, P(fires) = p, within from/until
//   once:        step == `step`
//   budget:      `count` occurrences between from and until (until defaults to the run's length), spread evenly or at
//                random without repetition
enum class ScheduleKind { kEvery, kAt, kProbability, kOnce, kBudget };
enum class Spread { kEven, kRandom };

// amplitude(t):  constant: 1 | horizon: T^-power, T the run's steps | decay: (t+1)^-power
//              | linear: from `from` at `start` to `to` at `end`, constant outside
enum class AmplitudeKind { kConstant, kHorizon, kDecay, kLinear };

struct AmplitudeSpec {
  AmplitudeKind kind = AmplitudeKind::kConstant;
  double power = 0.0;
  double from = 1.0, to = 1.0;
  std::int64_t start = 0, end = 0;
};

struct ScheduleSpec {
  ScheduleKind kind = ScheduleKind::kEvery;
  std::string custom = {};                        // the name of a user's schedule (register_schedule); empty: `kind`
  std::map<std::string, double> parameters = {};  // of a user's schedule
  std::int64_t interval = 1, offset = 0;
  std::int64_t from = 0;
  std::optional<std::int64_t> until = {};
  std::vector<std::int64_t> steps = {};
  double probability = 1.0;
  std::int64_t step = 0;
  std::int64_t count = 0;
  Spread spread = Spread::kEven;
  AmplitudeSpec amplitude = {};
};

struct Rule {
  std::string label = {};   // empty: its position in the list
  std::string sites = "*";  // glob: * any characters (dots included), ? one, [ab] [a-c] [!a] one of a set
  Direction direction = Direction::kForward;
  PerturbationSpec perturbation = {};
  ScheduleSpec schedule = {};
};

}  // namespace gradquake

// The constants of the theory as a YAML or JSON file (configs/theory/constants.yaml explains every key):
//
//   operators: 3
//   uniform: {C_grad: 1.2, C_hess: 0.5, L_f: 1.2, L_grad: 0.5, L_hess: 0.3}
//   per_operator: [{c: 1.2, k: 0.9, ell: 1.1, nu: 1.4, D: 0.5, E: 0.3}, ...]
//   smoothness: 3.0
//   delta: [{second_moment: 0.01, mean_squared: 0, fourth_moment: 3.0e-4}, ...]
//
// `gradquake theory constants` writes such a file, `gradquake theory bound|budget|predict` read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/config/document.h"
#include "gradquake/core/tridiagonal.h"
#include "gradquake/hooks/export.h"
#include "gradquake/theory/constants.h"
#include "gradquake/theory/local_prediction.h"

namespace gradquake::measure {

// How one constant was measured. Kept and written, not used in any bound.
struct Estimate {
  std::string constant;  // dotted key, e.g. "per_operator.0.c"
  std::string method;
  std::int64_t iterations = 0;
  std::optional<double> tolerance;
  std::optional<double> standard_error;
};

// What `theory predict` is asked, beyond the constants: the section `predict`.
struct PredictionRequest {
  std::int64_t interval = 1;              // steps between spikes
  std::optional<double> error;            // ||u~ - u|| of a spike, for the measured variant
  std::optional<double> loss;             // at the spike; absent: initial_gap above the minimum
  std::optional<double> minimum_loss;     // l*
  std::optional<double> target_loss;      // above the minimum; absent: a tenth of initial_gap
  std::optional<double> target_gradient;  // mean squared gradient norm; absent: a tenth of 2 L initial_gap
  std::optional<double> level;            // clean gradient norm before the spike
  theory::GradientBand band;              // level is copied from above
  std::optional<Tridiagonal> lanczos;     // T_m started at the displacement
  std::optional<double> displacement;     // its norm
};

struct ConstantsFile {
  theory::Constants constants;
  std::vector<Estimate> estimates;
  PredictionRequest prediction;
};

// Throws UserError naming file, line and key where a key is unknown, missing, negative or not a number, and naming the
// constants where they contradict each other (theory::validate).
GRADQUAKE_EXPORT ConstantsFile read_constants(config::Document& document);
GRADQUAKE_EXPORT ConstantsFile load_constants(const std::string& path, const std::vector<std::string>& overrides = {});

// YAML that read_constants() reads back to the same values; `prediction` is left out.
GRADQUAKE_EXPORT std::string constants_yaml(const ConstantsFile& file);

}  // namespace gradquake::measure

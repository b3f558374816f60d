// Predictions from bounds (34) and (38) of arXiv 2602.20646: what a spike costs, where spikes settle, how long a run
// takes. Symbols: L smoothness, mu of the PL condition, gamma step size, sigma^2 gradient variance, rho = 1 - mu
// gamma/3. A value is null, with the reason, where the condition gamma <= 1/(3 L) or another premise does not hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::theory {

struct PlProblem {
  double smoothness = 0;         // L
  double pl = 0;                 // mu <= L
  double gradient_variance = 0;  // sigma^2
  double step_size = 0;          // gamma
};

// (40) for one spike with e2 = E||u~ - u||^2 and b2 = ||E[u~ - u]||^2: L gamma^2 e2 + gamma b2/2, in units of the loss.
GRADQUAKE_EXPORT double spike_jump(double smoothness, double step_size, double e2, double b2);

// Without PL: what one spike adds to the average of (34) over T steps, (6 L gamma e2 + 3 b2)/T.
GRADQUAKE_EXPORT Prediction spike_share(double smoothness, double step_size, double e2, double b2, std::int64_t T);

// Spikes every `interval` steps settle at jump/(1 - rho^interval) in the loss, above the noise floor of (38).
GRADQUAKE_EXPORT Prediction plateau_level(const PlProblem& problem, double e2, double b2, std::int64_t interval);

// What was seen at a spike. error = ||u~ - u||, taken for sqrt(e2) and sqrt(b2); the band is factor * level.
struct ObservedSpike {
  double error = 0;
  double loss = 0;                     // l(w_t) at the spike, before its update
  std::optional<double> minimum_loss;  // l*; 0 is taken, and said so, where absent
  double level = 0;                    // clean gradient norm before the spike
  double factor = 1.5;
};

// Steps until (38) brings the loss so low that smoothness puts the gradient norm in the band: the first k with
//   rho^k (gap + jump) + 3 L gamma sigma^2/mu <= ((factor level)^2 - sigma^2)/(2 L),
// in closed form. Null with reason "noise floor" where the right side is not above 3 L gamma sigma^2/mu.
GRADQUAKE_EXPORT Prediction recovery_steps(const PlProblem& problem, const ObservedSpike& spike);
inline constexpr char kNoiseFloor[] = "noise floor";

// The first T at which (38), with e2 and b2 at every step, falls to `target` above the minimum.
GRADQUAKE_EXPORT Prediction steps_to_loss(const PlProblem& problem, double initial_gap, double e2, double b2,
                                          double target);

// The first T at which (34), with e2 and b2 at every step, falls to `target` as mean squared gradient norm.
GRADQUAKE_EXPORT Prediction steps_to_gradient(double smoothness, double gradient_variance, double step_size,
                                              double initial_gap, double e2, double b2, double target);

// A prediction that does not apply, e.g. "not stated for adam".
GRADQUAKE_EXPORT Prediction no_prediction(const std::string& equation, const std::string& reason);

}  // namespace gradquake::theory

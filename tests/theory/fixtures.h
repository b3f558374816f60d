// Constants with round numbers, complete for every variant.
#pragma once

#include "gradquake/theory/constants.h"

namespace gradquake::theory {

inline Constants complete_constants() {
  Constants constants;
  constants.operators = 3;
  constants.uniform = UniformConstants{.C_grad = 1.5, .C_hess = 0.5, .L_f = 1.25, .L_grad = 0.75, .L_hess = 0.25};
  constants.per_operator = {{.c = 1.5, .k = 1, .ell = 1.25, .nu = 2, .D = 0.5, .E = 0.25},
                            {.c = 1.2, .k = 1.1, .ell = 1.2, .nu = 1.5, .D = 0.4, .E = 0.2},
                            {.c = 1.5, .k = 0.9, .ell = 1, .nu = 1, .D = 0.3, .E = 0.1}};
  constants.smoothness = 2;
  constants.pl = 0.5;
  constants.gradient_variance = 0.1;
  constants.initial_gap = 3;
  constants.step_size = 0.1;
  constants.steps = 1000;
  constants.delta = {{.second_moment = 0.01, .mean_squared = 0.001, .fourth_moment = 0.0003},
                     {.second_moment = 0.02, .mean_squared = 0, .fourth_moment = 0.001}};
  constants.eps = {{.second_moment = 0.03, .mean_squared = 0.002}, {.second_moment = 0.04, .mean_squared = 0.004}};
  constants.measured = MeasuredError{.second_moment = 0.2, .bias_squared = 0.05};
  return constants;
}

}  // namespace gradquake::theory

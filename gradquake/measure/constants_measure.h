// Measures the constants of a config's network at the weights it starts from (model.weights: those of a trained run),
// on the fixed probe set (monitor.curvature.probe), taps off, randomness frozen, in float64:
//
//   L          Lanczos on the Hessian; closed form for logistic regression and least squares (known_constants.h)
//   mu         exact for those two, else ||grad l||^2/(2 (l - l*)) with l* = 0, an estimate
//   sigma^2    variance of one sample's gradient / batch size; 0 for the full batch
//   c, ell     largest ||df_i/dy|| over the probe, by VJP and double VJP
//   k          ||df_i/dw||, likewise, at the kRows samples with the longest input
//   nu         largest ||v_i||
//   D, E       finite differences (derivative_bounds.h) at those samples; 0 for operator 1, whose input is the data
//   delta, eps closed form, from the rules
// Logistic regression has closed forms for all of its operators. Where the model is no chain of operators that treat
// samples apart (stages.h: skip connections, batch-norm), what belongs to operators is absent and an estimate says why.
#pragma once

#include "gradquake/hooks/export.h"
#include "gradquake/measure/constants_file.h"
#include "gradquake/measure/curvature_config.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

// Throws UserError unless the parameters are float64.
GRADQUAKE_EXPORT ConstantsFile measure_constants(const train::Task& task, CurvatureConfig curvature);

}  // namespace gradquake::measure

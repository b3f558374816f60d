// One line of JSON for each record, in the order of fields that readers rely on. Absent and non-finite numbers are
// null, doubles the shortest text that reads back to the same bits. No line holds a time: equal runs write equal bytes.
#pragma once

#include <string>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::report {

// steps.jsonl: step, epoch, loss, learning_rate, grad_norm, clean_loss, clean_grad_norm, grad_error, finite, spike,
// injections (how many)
GRADQUAKE_EXPORT std::string step_line(const StepRecord& record, bool spike);

// spikes.jsonl: step, detector, score, grad_norm, clean_grad_norm, grad_error, layer (null: unknown), causes [{rule,
// site, direction, norm, steps_ago}], level, loss_level, curvature (null, or an object like a line of curvature.jsonl),
// predicted and predicted_displaced {value, equation, reason}, observed_recovery_steps, gradient_recovery_steps,
// verdict, episode
GRADQUAKE_EXPORT std::string spike_line(const SpikeRecord& spike);

// ledger.jsonl: step, rule, site, direction, occurrence, elements, norm, relative_norm
GRADQUAKE_EXPORT std::string ledger_line(const InjectionRecord& injection);

// evaluations.jsonl: step, loss, accuracy
GRADQUAKE_EXPORT std::string evaluation_line(const EvaluationRecord& evaluation);

// curvature.jsonl: step, lambda_max, lambda_min, lambda_min_bound, smoothness, gamma_L, products
GRADQUAKE_EXPORT std::string curvature_line(const CurvatureRecord& curvature);

// {value, equation, reason}, an unsaid equation or reason being null.
GRADQUAKE_EXPORT std::string prediction_json(const Prediction& prediction);

}  // namespace gradquake::report

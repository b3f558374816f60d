// The four curves of a run, as its steps.jsonl holds them: what a picture needs of a step, at 32 bytes a step.
#pragma once

#include <filesystem>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::report {

// One entry a step, steps counted from 0; NaN where a value is unknown or was not finite.
struct Curves {
  std::vector<double> loss, clean_loss;            // as trained; without perturbation
  std::vector<double> grad_norm, clean_grad_norm;  // ||u~ + r||; ||u + r||
};

// Throws UserError, with the line, for a file that is no steps.jsonl.
GRADQUAKE_EXPORT Curves read_curves(const std::filesystem::path& steps_jsonl);

}  // namespace gradquake::report

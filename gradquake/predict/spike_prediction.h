// What was predicted of a spike, written to predictions.jsonl at the spike's own step, before anything of its recovery
// is known. One line for each spike that opens an episode:
//
//   step, learning_rate, level, loss, grad_error, displacement, excess, lambda_max, smoothness, pl, gradient_variance,
//   local, displaced, bound {value, equation, reason}
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::predict {

struct SpikePrediction {
  std::int64_t step = 0;
  double learning_rate = 0;                 // gamma
  std::optional<double> level;              // clean gradient norm before the spike
  std::optional<double> loss;               // clean, before the spike's update
  std::optional<double> grad_error;         // ||u~ - u||
  std::optional<double> displacement;       // ||Delta|| = gamma ||u~ - u||
  std::optional<double> excess;             // predicted ||grad l(displaced) - grad l(twin)|| right after the spike
  std::optional<double> lambda_max;         // largest Ritz value along Delta, at the twin's end
  std::optional<double> smoothness;         // L, the largest seen so far
  std::optional<double> pl;                 // mu
  std::optional<double> gradient_variance;  // sigma^2
  Prediction local;                         // from the twin's end
  Prediction displaced;                     // from the displaced end
  Prediction bound;                         // (38)
};

GRADQUAKE_EXPORT std::string prediction_line(const SpikePrediction& prediction);
GRADQUAKE_EXPORT std::vector<SpikePrediction> read_predictions(const std::filesystem::path& path);

}  // namespace gradquake::predict

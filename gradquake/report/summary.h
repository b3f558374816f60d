// What a run came to: the content of summary.json, and of `--json`.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::report {

struct Summary {
  std::optional<double> final_loss;      // of the last step, as trained: perturbed where rules fired, regularizer in
  std::optional<EvaluationRecord> eval;  // the last evaluation
  std::int64_t spikes = 0;
  std::int64_t episodes = 0;
  std::string verdict = "none";  // none | recovered | open | plateau | collapsed | diverged
  std::optional<double> progress_lost;
  std::int64_t warnings = 0;  // of the ledger
  std::vector<Condition> conditions;
  std::vector<std::pair<std::string, Prediction>> predictions;  // by name
  std::optional<double> steps_per_second;
  std::vector<std::pair<std::string, std::string>> more;  // further fields: name and JSON text, in this order
};

// final_loss, eval {loss, accuracy}, spikes, episodes, verdict, progress_lost, warnings, conditions [{name, equation,
// variant, value, threshold, margin, holds, note}], predictions {name: {value, equation, reason}}, steps_per_second,
// then `more`. Absent and non-finite numbers are null. Throws UserError where an entry of `more` is no JSON.
GRADQUAKE_EXPORT nlohmann::ordered_json summary_json(const Summary& summary);

// The document with two spaces of indentation and a final line break, as summary.json holds it.
GRADQUAKE_EXPORT std::string summary_text(const Summary& summary);

}  // namespace gradquake::report

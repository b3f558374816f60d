// What a run came to: the content of summary.json, and of `--json`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"
#include "gradquake/theory/score.h"

namespace gradquake::report {

// How good the predictions were, by kind: those of single spikes and those of the whole run.
struct RunScore {
  std::vector<std::pair<std::string, theory::Score>> spikes;
  std::vector<std::pair<std::string, theory::Score>> run;
};

struct Summary {
  std::optional<double> final_loss;      // of the last step, as trained: perturbed where rules fired, regularizer in
  std::optional<EvaluationRecord> eval;  // the last evaluation
  std::int64_t spikes = 0;
  std::int64_t episodes = 0;
  std::string verdict = "none";  // none | recovered | open | plateau | collapsed | diverged
  std::optional<double> progress_lost;
  std::int64_t skipped_steps = 0;  // not finite, and skipped by on_nonfinite: skip: they moved no weight
  std::int64_t warnings = 0;       // how many warning_messages
  std::vector<Condition> conditions;
  std::vector<std::pair<std::string, Prediction>> predictions;  // by name
  std::optional<double> steps_per_second;
  std::vector<std::string> warning_messages;
  RunScore score;
  std::vector<theory::Finding> findings;  // conditions that held although the run diverged
};

// final_loss, eval {loss, accuracy}, spikes, episodes, verdict, progress_lost, warnings, conditions [{name, equation,
// variant, value, threshold, margin, holds, note}], predictions {name: {value, equation, reason}}, steps_per_second,
// warning_messages, score {spikes: {name: {compared, covered, coverage, sharpness, noise_floor, without_prediction,
// unobserved}}, run: {name: ...}}, findings [{condition, kind, message}], skipped_steps. Absent and non-finite numbers
// are null.
GRADQUAKE_EXPORT nlohmann::ordered_json summary_json(const Summary& summary);
// The way back; the evaluation's step is not kept. Throws nlohmann::json::exception for another document.
GRADQUAKE_EXPORT Summary summary_from_json(const nlohmann::ordered_json& document);

// Of summary.json; throws UserError where it holds no summary.
GRADQUAKE_EXPORT Summary read_summary(const std::filesystem::path& path);

// The document with two spaces of indentation and a final line break, as summary.json holds it.
GRADQUAKE_EXPORT std::string summary_text(const Summary& summary);

}  // namespace gradquake::report

// Every record as a line of JSON, and back: one writer and one reader each, side by side in <record>_json.cpp.
//
//   file.write(to_line(spike));
//   for (const SpikeRecord& spike : read_records<SpikeRecord>(folder / "spikes.jsonl")) ...
//
// Fields stand in the order that readers rely on. Absent and non-finite numbers and unsaid texts are null, doubles the
// shortest text that reads back to the same bits. Read back, null is an absent value, NaN where the number is always
// there, and "" for a text; so a line that is read and written again is the same line. No line holds a time: equal
// runs write equal bytes. Readers throw nlohmann::json::exception for a line of another shape.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::report {

// steps.jsonl: step, epoch, loss, learning_rate, grad_norm, clean_loss, clean_grad_norm, grad_error, finite, spike,
// injections
GRADQUAKE_EXPORT StepLine step_line(const StepRecord& record, bool spike);
GRADQUAKE_EXPORT std::string to_line(const StepLine& step);

// spikes.jsonl: step, detector, score, grad_norm, clean_grad_norm, grad_error, layer, causes [{rule, site, direction,
// norm, steps_ago}], level, loss_level, curvature (null, or an object like a line of curvature.jsonl), predicted and
// predicted_displaced {value, equation, reason}, observed_recovery_steps, gradient_recovery_steps, verdict, episode
GRADQUAKE_EXPORT std::string to_line(const SpikeRecord& spike);

// ledger.jsonl: step, rule, site, direction, occurrence, elements, norm, relative_norm
GRADQUAKE_EXPORT std::string to_line(const InjectionRecord& injection);

// ledger.jsonl with totals: from, until, rule, site, direction, injections, elements, norm, largest_norm,
// largest_relative_norm
GRADQUAKE_EXPORT std::string to_line(const InjectionTotal& total);

// evaluations.jsonl: step, loss, accuracy
GRADQUAKE_EXPORT std::string to_line(const EvaluationRecord& evaluation);

// curvature.jsonl: step, lambda_max, lambda_min, lambda_min_bound, smoothness, gamma_L, products
GRADQUAKE_EXPORT std::string to_line(const CurvatureRecord& curvature);

// predictions.jsonl: step, learning_rate, level, loss, grad_error, displacement, excess, lambda_max, smoothness, pl,
// gradient_variance, local, displaced, bound {value, equation, reason}; here an unsaid equation or reason is ""
GRADQUAKE_EXPORT std::string to_line(const SpikePrediction& prediction);

// {value, equation, reason}
GRADQUAKE_EXPORT std::string to_line(const Prediction& prediction);

// {name, equation, variant, value, threshold, margin, holds, note}
GRADQUAKE_EXPORT std::string to_line(const Condition& condition);

// The record that `line` holds; for every record above.
template <class Record>
Record from_line(const nlohmann::json& line) = delete;
template <>
GRADQUAKE_EXPORT StepLine from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT SpikeRecord from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT InjectionRecord from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT InjectionTotal from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT EvaluationRecord from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT CurvatureRecord from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT SpikePrediction from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT Prediction from_line(const nlohmann::json& line);
template <>
GRADQUAKE_EXPORT Condition from_line(const nlohmann::json& line);

// All records of a file; none where there is no such file. Throws UserError that names file and line of what is no such
// record.
template <class Record>
std::vector<Record> read_records(const std::filesystem::path& path) {
  std::vector<Record> records;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    try {
      records.push_back(from_line<Record>(nlohmann::json::parse(line)));
    } catch (const nlohmann::json::exception& error) {
      throw UserError("report", "expected a record at " + path.string() + ":" + std::to_string(records.size() + 1) +
                                    ", got " + error.what());
    }
  }
  return records;
}

}  // namespace gradquake::report

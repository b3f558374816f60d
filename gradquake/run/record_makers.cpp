#include "gradquake/run/record_makers.h"

#include <nlohmann/json.hpp>

#include "gradquake/report/record_json.h"

namespace gradquake::run {
namespace {

template <class Record>
nlohmann::json line_or_null(const std::optional<Record>& record) {
  return record ? nlohmann::json(report::to_line(*record)) : nlohmann::json(nullptr);
}

template <class Record>
std::optional<Record> record_or_null(const nlohmann::json& line) {
  if (line.is_null()) return std::nullopt;
  return report::from_line<Record>(nlohmann::json::parse(line.get<std::string>()));
}

}  // namespace

std::optional<CurvatureRecord> CurvatureMaker::make(const StepRecord& record,
                                                    const monitor::Monitor::Outcome& found) const {
  const bool at_spike = found.spike && belongs_to_spike(found.opens_episode) && record.weights_finite;
  if (!probe_.config().due(record.step) && !at_spike) return std::nullopt;
  const CurvatureRecord curvature = probe_.measure(record.step, record.learning_rate);
  constants_.add(curvature, probe_.gradient());
  return curvature;
}

bool CurvatureMaker::belongs_to_spike(bool opens_episode) const {
  return opens_episode && probe_.config().on_spike == measure::CurvatureOnSpike::kFirst;
}

std::optional<SpikePrediction> PredictionMaker::make(const StepRecord& record, const train::StepView& view,
                                                     const monitor::Monitor::Outcome& found) const {
  if (!found.spike) return std::nullopt;
  const measure::RunConstants known = constants_.constants();
  return predictor_.predict({record, view, known, found.levels, found.opens_episode});
}

void SpikeParts::add(std::int64_t step, const std::optional<CurvatureRecord>& curvature,
                     const std::optional<SpikePrediction>& prediction) {
  if (curvature || prediction) parts_[step] = {curvature, prediction};
}

SpikeRecord SpikeParts::joined(SpikeRecord spike) const {
  const auto parts = parts_.find(spike.step);
  if (parts == parts_.end()) return spike;
  spike.curvature = parts->second.curvature;
  if (const auto& prediction = parts->second.prediction) {
    spike.predicted = prediction->local;
    spike.predicted_displaced = prediction->displaced;
  }
  return spike;
}

nlohmann::json SpikeParts::save() const {
  nlohmann::json state = nlohmann::json::array();
  for (const auto& [step, parts] : parts_)
    state.push_back({step, line_or_null(parts.curvature), line_or_null(parts.prediction)});
  return state;
}

void SpikeParts::restore(const nlohmann::json& state) {
  parts_.clear();
  for (const nlohmann::json& one : state) {
    parts_[one.at(0).get<std::int64_t>()] = {record_or_null<CurvatureRecord>(one.at(1)),
                                             record_or_null<SpikePrediction>(one.at(2))};
  }
}

}  // namespace gradquake::run

#include "gradquake/study/read_spikes.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace gradquake::study {
namespace {

template <class T>
std::optional<T> optional(const nlohmann::json& line, const char* key) {
  if (line.at(key).is_null()) return std::nullopt;
  return line.at(key).get<T>();
}

Prediction prediction_of(const nlohmann::json& one) {
  return {optional<double>(one, "value"), optional<std::string>(one, "equation").value_or(""),
          optional<std::string>(one, "reason").value_or("")};
}

SpikeRecord spike_of(const nlohmann::json& line) {
  SpikeRecord spike;
  spike.step = line.at("step");
  spike.detector = line.at("detector");
  spike.score = optional<double>(line, "score");
  spike.grad_norm = optional<double>(line, "grad_norm");
  spike.clean_grad_norm = optional<double>(line, "clean_grad_norm");
  spike.grad_error = optional<double>(line, "grad_error");
  spike.layer = optional<std::string>(line, "layer").value_or("");
  for (const auto& cause : line.at("causes")) {
    spike.causes.push_back({cause.at("rule"), cause.at("site"), cause.at("direction"),
                            optional<double>(cause, "norm").value_or(0), cause.at("steps_ago")});
  }
  spike.level = optional<double>(line, "level");
  spike.loss_level = optional<double>(line, "loss_level");
  spike.observed_recovery_steps = optional<std::int64_t>(line, "observed_recovery_steps");
  spike.gradient_recovery_steps = optional<std::int64_t>(line, "gradient_recovery_steps");
  spike.predicted = prediction_of(line.at("predicted"));
  spike.predicted_displaced = prediction_of(line.at("predicted_displaced"));
  spike.verdict = line.at("verdict");
  spike.episode = line.at("episode");
  return spike;
}

}  // namespace

std::vector<SpikeRecord> read_spikes(const std::filesystem::path& path) {
  std::vector<SpikeRecord> spikes;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    spikes.push_back(spike_of(nlohmann::json::parse(line)));
  }
  return spikes;
}

}  // namespace gradquake::study

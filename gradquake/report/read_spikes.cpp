#include "gradquake/report/read_spikes.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "gradquake/report/optional_json.h"

namespace gradquake::report {
namespace {

using report::optional_at;

Prediction prediction_of(const nlohmann::json& one) {
  return {optional_at<double>(one, "value"), optional_at<std::string>(one, "equation").value_or(""),
          optional_at<std::string>(one, "reason").value_or("")};
}

SpikeRecord spike_of(const nlohmann::json& line) {
  SpikeRecord spike;
  spike.step = line.at("step");
  spike.detector = line.at("detector");
  spike.score = optional_at<double>(line, "score");
  spike.grad_norm = optional_at<double>(line, "grad_norm");
  spike.clean_grad_norm = optional_at<double>(line, "clean_grad_norm");
  spike.grad_error = optional_at<double>(line, "grad_error");
  spike.layer = optional_at<std::string>(line, "layer").value_or("");
  for (const auto& cause : line.at("causes")) {
    spike.causes.push_back({cause.at("rule"), cause.at("site"), cause.at("direction"),
                            optional_at<double>(cause, "norm").value_or(0), cause.at("steps_ago")});
  }
  spike.level = optional_at<double>(line, "level");
  spike.loss_level = optional_at<double>(line, "loss_level");
  spike.observed_recovery_steps = optional_at<std::int64_t>(line, "observed_recovery_steps");
  spike.gradient_recovery_steps = optional_at<std::int64_t>(line, "gradient_recovery_steps");
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

}  // namespace gradquake::report

#include "gradquake/monitor/layer_scores.h"

#include <limits>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/monitor/robust_detector.h"
#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

// Index of the largest value above `least`; values that are NaN or absent never are.
class Largest {
 public:
  explicit Largest(double least) : value_(least) {}
  void offer(std::size_t index, double value) {
    if (!(value > value_)) return;
    value_ = value;
    index_ = index;
  }
  std::optional<std::size_t> index() const { return index_; }

 private:
  double value_;
  std::optional<std::size_t> index_;
};

}  // namespace

LayerScores::LayerScores(const SpikeConfig& config, std::vector<std::string> layers)
    : config_(config), layers_(std::move(layers)), past_(layers_.size(), Past(config.window)) {}

std::optional<double> LayerScores::score(const Past& past, double norm) const {
  if (past.seen < config_.warmup) return std::nullopt;
  SpikeConfig warmed_up = config_;
  warmed_up.warmup = 1;
  RobustDetector detector(warmed_up);
  for (std::size_t i = 0; i < past.norms.size(); ++i) detector.enter(past.norms[i]);
  return detector.score(norm);
}

std::string LayerScores::worst(const LayerNorms& norms) const {
  Largest by_error(0);
  if (norms.grad_error.size() == layers_.size() && norms.clean_grad.size() == layers_.size())
    for (std::size_t i = 0; i < layers_.size(); ++i) by_error.offer(i, norms.grad_error[i] / norms.clean_grad[i]);
  if (by_error.index()) return layers_[*by_error.index()];

  Largest by_score(-std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < norms.grad.size() && i < layers_.size(); ++i)
    if (const auto surprise = score(past_[i], norms.grad[i])) by_score.offer(i, *surprise);
  return by_score.index() ? layers_[*by_score.index()] : "";
}

void LayerScores::enter(const LayerNorms& norms) {
  for (const auto* list : {&norms.grad, &norms.clean_grad, &norms.grad_error}) {
    if (!list->empty() && list->size() != layers_.size()) {
      throw UserError("monitor", "expected the norms of " + std::to_string(layers_.size()) + " layers, got " +
                                     std::to_string(list->size()));
    }
  }
  for (std::size_t i = 0; i < norms.grad.size(); ++i) {
    if (!RobustDetector::takes(norms.grad[i])) continue;
    past_[i].norms.push(norms.grad[i]);
    ++past_[i].seen;
  }
}

nlohmann::json LayerScores::save() const {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t i = 0; i < layers_.size(); ++i)
    list.push_back({{"layer", layers_[i]}, {"norms", past_[i].norms.save()}, {"seen", past_[i].seen}});
  return list;
}

void LayerScores::restore(const nlohmann::json& state) {
  if (state.size() != layers_.size()) {
    throw std::invalid_argument("expected " + std::to_string(layers_.size()) + " layers, got " +
                                std::to_string(state.size()));
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto& name = state[i].at("layer").get_ref<const std::string&>();
    if (name != layers_[i]) throw std::invalid_argument("expected layer " + layers_[i] + ", got " + name);
    past_[i].norms.restore(state[i].at("norms"));
    past_[i].seen = state[i].at("seen").get<std::int64_t>();
  }
}

}  // namespace gradquake::monitor

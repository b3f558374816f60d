// How much of what a run had learned it lost again. Each spike's level may already be damaged by earlier spikes, so the
// run has a measure of its own.
//
//   progress_lost = (l_final - l_best) / max(l_0 - l_best, 0.1 l_0)
//
// l_0: the first known clean loss; l_best, l_final: the lowest and the last running median of the clean loss.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace gradquake::monitor {

class Progress {
 public:
  // One known clean loss, and the median of the last `level_window` of them, this one included.
  void observe(double loss, double running_median);

  std::optional<double> first_loss() const { return first_; }
  std::optional<double> best_loss() const { return best_; }
  std::optional<double> final_loss() const { return final_; }

  // Null before the first known loss, and where l_0 = l_best = 0 leaves nothing to compare with.
  std::optional<double> lost() const;
  // l_0 - l_best >= 0.1 l_0. False before the first known loss.
  bool learned() const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  std::optional<double> first_;
  std::optional<double> best_;
  std::optional<double> final_;
};

}  // namespace gradquake::monitor

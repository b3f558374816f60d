// One episode: from the spike that opens it until training is back, stuck, lost, or over.
//
// e and l are EWMAs of the later known clean norms and losses, started at level and loss_level:
//   e <- (1 - ewma) e + ewma n.
// In band:  l <= max(factor loss_level, loss_level + 4.45 MAD_l)
//           and (e <= max(factor level, level + 4.45 MAD_n) or l <= 0.9 loss_level).
// The loss belongs in it: by its norm alone a dead network has recovered. And a healthy network's norm may grow while
// its loss falls. A step counts where both values are known; each EWMA moves where its own value is known.
//   recovered: `hold` counted steps in a row in band
//   plateau:   plateau.h
//   diverged:  non-finite weights, or the clean loss above diverged_loss_factor x the first one for `hold` known values
// Without a level (nothing known up to the spike) an episode stays open unless it diverges.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "gradquake/monitor/band_row.h"
#include "gradquake/monitor/config.h"
#include "gradquake/monitor/plateau.h"

namespace gradquake::monitor {

// Medians and median absolute deviations of the last known clean values up to and including the spike's step.
struct Levels {
  std::optional<double> level;
  std::optional<double> loss_level;
  double norm_mad = 0;
  double loss_mad = 0;
};

// What one later step shows of the clean model.
struct Observation {
  std::int64_t step = 0;
  std::optional<double> norm;
  std::optional<double> loss;
  std::optional<double> first_loss;  // of the run
  bool weights_finite = true;
};

class Episode {
 public:
  Episode(const RecoveryConfig& config, const Levels& levels, std::int64_t spike_step);

  // A further spike while this episode is open: levels, EWMAs and rows stay.
  void join(std::int64_t spike_step);

  // One step after the opening. Empty while undecided, else "recovered", "plateau" or "diverged".
  std::string observe(const Observation& now);

  // Set once by a completed row; the gradient's row starts anew for a spike that joins after its completion.
  std::optional<std::int64_t> recovery_steps() const { return row_.recovery_steps(); }
  std::optional<std::int64_t> gradient_recovery_steps() const { return gradient_row_.recovery_steps(); }

  const Levels& levels() const { return levels_; }
  // In band and with fewer than `hold` counted steps: cut off here, it says nothing of the run.
  bool too_young_to_tell() const;

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  bool loss_diverged(const Observation& now);
  bool gradient_in_band() const;
  bool in_band() const;

  RecoveryConfig config_;
  Levels levels_;
  double norm_ = 0;  // e
  double loss_ = 0;  // l
  BandRow row_;
  BandRow gradient_row_;
  Plateau plateau_;
  int exploded_ = 0;  // known losses in a row above the limit of divergence
  int counted_ = 0;   // counted steps since the opening, up to hold
  bool in_band_ = false;
};

}  // namespace gradquake::monitor

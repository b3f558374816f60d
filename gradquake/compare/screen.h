// How much every site, in both directions, moves the gradient: from a few double backward passes, without a single
// perturbation (docs/theory.md 7).
//
// Let z be a zero added to the tensor at a site, and e a zero added to its gradient. For v of independent random signs
// over the parameters, with u(z, e) the gradient of the batch,
//
//   g = grad_z <u, v> = J^T v, J = du/dz;   h = grad_e <u, v> = B^T v, B = du/de;   E||g||^2 = ||J||_F^2, E||h||^2 =
//   ||B||_F^2
//
// so one double backward pass measures all sites at once. Noise of independent elements and standard deviation
// s * rms(y) forward, or s * rms(gradient) backward, then gives
//
//   E||u~ - u||^2 = s^2 rms^2 ||J||_F^2 (+ O(s^4) where operators are twice differentiable),   s^2 rms^2 ||B||_F^2
//   exactly
//
// gain^2 = E||u~ - u||^2 / (s^2 ||u||^2), the ratio of means over the vectors, each on a batch of its own. Occurrences
// of a site have independent draws, so their squares add up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/interval.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/train/task.h"

namespace gradquake::compare {

struct SiteScreen {
  std::string site;
  Direction direction = Direction::kForward;  // or kBackward
  std::int64_t elements = 0;                  // a batch, all occurrences
  std::int64_t macs = 0;                      // multiply-accumulates from the tap before to it (measure/macs.h)
  // sqrt(E||u~ - u||^2) / ||u|| per relative size; absent: see reason.
  std::optional<Interval> gain;
  std::string reason;

  // Relative size of the noise at which sqrt(E||u~ - u||^2) = share * ||u||; absent without a gain.
  std::optional<Interval> largest_size(double share) const;
};

struct Screen {
  std::int64_t vectors = 0;
  double gradient_norm = 0;       // rms of ||u|| over the batches met
  std::vector<SiteScreen> sites;  // in order of first tap, forward before backward
};

// At the task's weights of now, which stay as they are. `tick`: called once a vector; empty: not. Throws UserError
// where the glob matches no site, or the gradient is 0 or not finite. An operator without a second derivative leaves
// all gains absent, with LibTorch's reason.
GRADQUAKE_EXPORT Screen screen(const train::Task& task, const CompareConfig& config,
                               const std::function<void(std::int64_t vectors)>& tick = {});

}  // namespace gradquake::compare

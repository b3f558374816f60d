#include "gradquake/monitor/run_verdict.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "gradquake/core/error.h"

namespace gradquake::monitor {
namespace {

constexpr std::array<std::string_view, 6> kOrder = {"none", "recovered", "open", "plateau", "collapsed", "diverged"};
constexpr double kCollapse = 0.5;  // share of the progress lost

std::size_t place(const std::string& verdict) {
  const auto found = std::find(kOrder.begin(), kOrder.end(), verdict);
  if (found == kOrder.end()) throw UserError("monitor", "expected a verdict, got \"" + verdict + "\"");
  return static_cast<std::size_t>(found - kOrder.begin());
}

}  // namespace

std::string worse_verdict(const std::string& a, const std::string& b) { return place(a) >= place(b) ? a : b; }

RunVerdict run_verdict(const std::string& worst_episode, std::int64_t spikes, std::int64_t episodes,
                       const Progress& progress) {
  RunVerdict run{worse_verdict(worst_episode, "none"), progress.lost(), spikes, episodes};
  if (spikes > 0 && progress.first_loss() && !progress.learned()) run.verdict = worse_verdict(run.verdict, "plateau");
  if (run.progress_lost && *run.progress_lost > kCollapse) run.verdict = worse_verdict(run.verdict, "collapsed");
  return run;
}

}  // namespace gradquake::monitor

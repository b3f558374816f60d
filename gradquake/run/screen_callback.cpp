#include "gradquake/run/screen_callback.h"

#include "gradquake/report/print.h"

namespace gradquake::run {

void ScreenCallback::on_start(const RunStart& start) { steps_ = start.info.steps; }

void ScreenCallback::on_step(const RunStep& step) {
  if (progress_) progress_({step.record.step + 1, steps_, step.record.loss, step.record.grad_norm, step.spikes});
}

void ScreenCallback::on_spike(const SpikeRecord& spike, bool opens_episode) {
  if (log_ && opens_episode) log_(report::spike_text(spike));
}

void ScreenCallback::on_closed(const std::vector<SpikeRecord>& spikes) {
  if (log_ && spikes.front().verdict != "recovered") log_(report::episode_text(spikes));
}

}  // namespace gradquake::run

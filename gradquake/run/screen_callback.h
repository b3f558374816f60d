// What a run says while it goes: a line for each episode that opens, one more where it ends other than recovered, and
// what a progress line shows, once a step.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/run/callback.h"

namespace gradquake::run {

// What a progress line shows.
struct Progress {
  std::int64_t step = 0, steps = 0;
  double loss = 0, grad_norm = 0;
  std::int64_t spikes = 0;
};

class GRADQUAKE_EXPORT ScreenCallback : public Callback {
 public:
  using Log = std::function<void(const std::string&)>;
  using Show = std::function<void(const Progress&)>;

  // Either may be empty: nothing is said then.
  ScreenCallback(Log log, Show progress) : log_(std::move(log)), progress_(std::move(progress)) {}

  void on_start(const RunStart& start) override;
  void on_step(const RunStep& step) override;
  void on_spike(const SpikeRecord& spike, bool opens_episode) override;
  void on_closed(const std::vector<SpikeRecord>& spikes) override;

 private:
  Log log_;
  Show progress_;
  std::int64_t steps_ = 0;
};

}  // namespace gradquake::run

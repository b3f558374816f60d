// The layer of an ObserverScope. Internal to hooks/.
#pragma once

#include <atomic>
#include <memory>

#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/tap_layer.h"

namespace gradquake::detail {

// What the graphs made under the scope share with it.
struct ObserverState {
  Observer observer;
  std::atomic<int> pauses = 0;
  std::atomic<bool> ended = false;
};

class ObserverLayer : public TapLayer {
 public:
  explicit ObserverLayer(Observer observer);
  ~ObserverLayer() override;
  at::Tensor on_tap(TapCall& call, at::Tensor tensor) override;
  bool wants_beneath() const override { return state_->observer.beneath; }

 private:
  std::shared_ptr<ObserverState> state_;
  OccurrenceCounter occurrences_;
  LayerPush push_;
};

// The observers of this thread, outermost first: what a pause hides.
const std::vector<std::shared_ptr<ObserverState>>& observers_of_thread();

}  // namespace gradquake::detail

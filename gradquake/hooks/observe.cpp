#include "gradquake/hooks/observe.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/StringUtil.h>

#include <utility>

#include "gradquake/hooks/observer_layer.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace detail {
namespace {

thread_local std::vector<std::shared_ptr<ObserverState>> live_observers;

void require_alike(const at::Tensor& given, const at::Tensor& answer, const Site& site, const char* what) {
  if (answer.sizes() == given.sizes() && answer.scalar_type() == given.scalar_type() &&
      answer.device() == given.device())
    return;
  refuse_at(site.name(),
            c10::str("expected an observer to return a ", what, " like the one it was given, ", given.toString(),
                     " of shape ", given.sizes(), "; got ", answer.toString(), " of shape ", answer.sizes()));
}

at::Tensor observed_gradient(const ObserverState& state, const TapPoint& at, const at::Tensor& gradient) {
  if (!gradient.defined() || state.ended || state.pauses > 0) return gradient;
  const TapsOff off;
  const at::Tensor answer = state.observer.on_backward(at, gradient);
  if (!answer.defined()) return gradient;
  require_alike(gradient, answer, at.site, "gradient");
  return answer;
}

}  // namespace

const std::vector<std::shared_ptr<ObserverState>>& observers_of_thread() { return live_observers; }

ObserverLayer::ObserverLayer(Observer observer) : state_(std::make_shared<ObserverState>()), push_(this) {
  state_->observer = std::move(observer);
  live_observers.push_back(state_);
}

ObserverLayer::~ObserverLayer() {
  live_observers.pop_back();
  state_->ended = true;
  state_->observer = {};  // what its functions captured must not live on in a graph
}

at::Tensor ObserverLayer::on_tap(TapCall& call, at::Tensor tensor) {
  const std::uint32_t own = occurrences_.take(call.site);
  const TapPoint at{call.site, call.occurrence.value_or(own), call.batch_dim};
  if (state_->observer.on_forward) {
    const TapsOff off;
    at::Tensor answer = state_->observer.on_forward(at, tensor);
    if (answer.defined()) {
      require_alike(tensor, answer, call.site, "tensor");
      tensor = std::move(answer);
    }
  }
  if (!state_->observer.on_backward || !at::GradMode::is_enabled() || !tensor.requires_grad()) return tensor;
  return call.hook(std::move(tensor), [state = state_, at](const at::Tensor& gradient) {
    return observed_gradient(*state, at, gradient);
  });
}

}  // namespace detail

ObserverScope::ObserverScope(Observer observer)
    : layer_(std::make_unique<detail::ObserverLayer>(std::move(observer))) {}
ObserverScope::~ObserverScope() = default;

}  // namespace gradquake

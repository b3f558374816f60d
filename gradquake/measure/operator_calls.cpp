#include "gradquake/measure/operator_calls.h"

#include <ATen/record_function.h>

#include <memory>
#include <string_view>
#include <utility>

namespace gradquake::measure {
namespace {

constinit thread_local OperatorCalls::State* current_calls = nullptr;

// Lives as long as an operator whose calls are not told.
struct Within : at::ObserverContext {
  explicit Within(OperatorCalls::State& own) : state(own) { ++state.inside; }
  ~Within() override { --state.inside; }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;
  OperatorCalls::State& state;
};

std::string plain_name(std::string_view name) {
  constexpr std::string_view kLibrary = "aten::";
  if (name.starts_with(kLibrary)) name.remove_prefix(kLibrary.size());
  if (name.ends_with('_')) name.remove_suffix(1);
  return std::string(name);
}

std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& call) {
  OperatorCalls::State* const state = current_calls;
  if (state == nullptr || state->inside > 0) return nullptr;
  if (!state->on_call(plain_name(call.name()), call.inputs())) return nullptr;
  return std::make_unique<Within>(*state);
}

}  // namespace

OperatorCalls::OperatorCalls(OnCall on_call) : state_{std::move(on_call), 0, current_calls} {
  // One callback of several scopes: each is called for every operator, and each asks who is the innermost.
  if (current_calls == nullptr)
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&on_start).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  current_calls = &state_;
}

OperatorCalls::~OperatorCalls() {
  current_calls = state_.outer;
  if (current_calls == nullptr) at::removeCallback(handle_);
}

}  // namespace gradquake::measure

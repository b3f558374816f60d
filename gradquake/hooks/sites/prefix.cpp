#include "gradquake/hooks/sites/prefix.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/function.h>
#include <torch/library.h>

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/beneath.h"

namespace gradquake {

namespace detail {

struct Tape {
  struct Call {
    c10::OperatorHandle op;
    std::vector<c10::IValue> results;
  };
  std::vector<Call> calls;
  bool recording = true;
  bool met = false;          // the site
  std::int64_t version = 0;  // of all recorded tensors together, when the recording ended

  std::int64_t versions() const;
};

// What this thread records or replays; null: neither.
struct PrefixCurrent {
  Tape* recorded = nullptr;
  const Tape* replayed = nullptr;
  std::size_t next = 0;
  const torch::autograd::Node* node = nullptr;  // the backward call that it began in
};

}  // namespace detail

namespace {

// Unused by LibTorch itself; behind operator mode's key, before autograd.
constexpr auto kPrefixMode = c10::DispatchKey::TESTING_ONLY_GenericWrapper;

constinit thread_local detail::PrefixCurrent* current_prefix = nullptr;

void replay(const detail::Tape::Call& call, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (!(call.op == op))
    throw std::logic_error("[hooks] a forward pass that is replayed called " + op.schema().name() +
                           " where it had called " + call.op.schema().name() + " before");
  torch::jit::drop(stack, op.schema().arguments().size());
  for (const c10::IValue& result : call.results) stack.push_back(result);
}

void hand_on_or_replay(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard inside(kPrefixMode);
  const bool concerned = current_prefix != nullptr && torch::autograd::get_current_node().get() == current_prefix->node;
  if (concerned && current_prefix->replayed != nullptr &&
      current_prefix->next < current_prefix->replayed->calls.size()) {
    replay(current_prefix->replayed->calls[current_prefix->next++], op, *stack);
    return;
  }
  op.callBoxed(stack);
  if (!concerned || current_prefix->recorded == nullptr || !current_prefix->recorded->recording) return;
  const auto results = static_cast<std::ptrdiff_t>(op.schema().returns().size());
  current_prefix->recorded->calls.push_back({op, {stack->end() - results, stack->end()}});
}

// Never destroyed: its end would take the fallback away.
void register_prefix_mode() {
  static auto* const fallback = new c10::RegistrationHandleRAII(c10::Dispatcher::singleton().registerFallback(
      kPrefixMode, c10::KernelFunction::makeFromBoxedFunction<&hand_on_or_replay>(), "gradquake"));
  static_cast<void>(fallback);
}

std::int64_t version_of(const c10::IValue& value) {
  std::int64_t sum = 0;
  if (value.isTensor() && value.toTensor().defined() && !value.toTensor().is_inference())
    sum += value.toTensor()._version();
  else if (value.isTensorList() || value.isOptionalTensorList())
    for (const c10::IValue& element : value.toListRef()) sum += version_of(element);
  return sum;
}

}  // namespace

namespace detail {

std::int64_t Tape::versions() const {
  std::int64_t sum = 0;
  for (const Call& call : calls)
    for (const c10::IValue& result : call.results) sum += version_of(result);
  return sum;
}

// The mode, on for this thread.
class PrefixSwitch {
 public:
  explicit PrefixSwitch(PrefixCurrent own) : own_(own), outer_(current_prefix) {
    register_prefix_mode();
    const c10::impl::LocalDispatchKeySet keys = c10::impl::tls_local_dispatch_key_set();
    on_.emplace(keys.included_.add(kPrefixMode), keys.excluded_.remove(kPrefixMode));
    own_.node = torch::autograd::get_current_node().get();
    current_prefix = &own_;
  }
  ~PrefixSwitch() { current_prefix = outer_; }
  PrefixSwitch(const PrefixSwitch&) = delete;
  PrefixSwitch& operator=(const PrefixSwitch&) = delete;

 private:
  PrefixCurrent own_;
  PrefixCurrent* outer_;
  std::optional<c10::impl::ForceDispatchKeyGuard> on_;
};

}  // namespace detail

Prefix::Prefix(const Site& site, const std::function<void()>& forward) : tape_(std::make_unique<detail::Tape>()) {
  const ObserverScope watch({.on_forward =
                                 [&](const TapPoint& at, const at::Tensor& /*tensor*/) {
                                   if (at.site.name() == site.name()) {
                                     if (!tape_->met) tape_->version = tape_->versions();
                                     tape_->met = true;
                                     tape_->recording = false;
                                   }
                                   return at::Tensor();
                                 },
                             .beneath = lies_beneath(site.name())});
  const detail::PrefixSwitch on({.recorded = tape_.get()});
  forward();
}

Prefix::~Prefix() = default;

std::int64_t Prefix::operators() const { return static_cast<std::int64_t>(tape_->calls.size()); }

bool Prefix::whole() const { return tape_->met && tape_->versions() == tape_->version; }

PrefixReplay::PrefixReplay(const Prefix& prefix)
    : switch_(std::make_unique<detail::PrefixSwitch>(detail::PrefixCurrent{.replayed = prefix.tape_.get()})) {}
PrefixReplay::~PrefixReplay() = default;

}  // namespace gradquake

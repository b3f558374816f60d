#include "gradquake/hooks/sites/operator_mode.h"

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/function.h>
#include <torch/library.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <exception>

#include "gradquake/hooks/sites/operator_pass.h"
#include "gradquake/hooks/tap.h"

namespace gradquake {
namespace {

// Unused by LibTorch itself, and before autograd: an output has its grad_fn when it comes by.
constexpr auto kMode = c10::DispatchKey::TESTING_ONLY_GenericMode;

constinit thread_local detail::OperatorPass* current_pass = nullptr;

void hand_on(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard inside(kMode);
  const bool seen = current_pass != nullptr && detail::innermost_layer != nullptr &&
                    torch::autograd::get_current_node().get() == current_pass->node();
  if (seen)
    current_pass->carry_out(op, *stack);
  else
    op.callBoxed(stack);
}

// Never destroyed: its end would take the fallback away.
void register_once() {
  static auto* const library = [] {
    auto* const made = new torch::Library(MAKE_TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode));
    made->fallback(torch::CppFunction::makeFromBoxedFunction<&hand_on>());
    return made;
  }();
  static_cast<void>(library);
}

}  // namespace

OperatorSites::OperatorSites(const std::vector<std::pair<std::string, at::Tensor>>& parameters)
    : model_(std::make_shared<detail::OperatorModel>(parameters)) {}

std::vector<SkippedOperator> OperatorSites::skipped() const { return model_->skipped(); }

OperatorSites operator_sites(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  for (const auto& item : module.named_parameters()) parameters.emplace_back(item.key(), item.value());
  return OperatorSites(parameters);
}

std::string summary_of(const std::vector<SkippedOperator>& skipped) {
  std::vector<std::pair<std::string, std::int64_t>> reasons;
  for (const SkippedOperator& one : skipped) {
    const auto known =
        std::find_if(reasons.begin(), reasons.end(), [&](const auto& reason) { return reason.first == one.why; });
    if (known == reasons.end())
      reasons.emplace_back(one.why, one.times);
    else
      known->second += one.times;
  }
  std::string text;
  for (const auto& [why, times] : reasons)
    text += (text.empty() ? "" : ", ") + why + " (" + std::to_string(times) + ")";
  return text;
}

// A scope works inside an operator of an outer one too, where that one has switched the mode off.
struct OperatorModeScope::Switch {
  c10::impl::LocalDispatchKeySet keys = c10::impl::tls_local_dispatch_key_set();
  c10::impl::ForceDispatchKeyGuard on{keys.included_.add(kMode), keys.excluded_.remove(kMode)};
};

OperatorModeScope::OperatorModeScope(const OperatorSites& sites)
    : pass_(std::make_unique<detail::OperatorPass>(sites.model_, torch::autograd::get_current_node().get())),
      outer_(current_pass),
      exceptions_(std::uncaught_exceptions()) {
  register_once();
  switch_ = std::make_unique<Switch>();
  current_pass = pass_.get();
}

OperatorModeScope::~OperatorModeScope() {
  current_pass = outer_;
  switch_.reset();
  if (std::uncaught_exceptions() == exceptions_) pass_->finish();
}

}  // namespace gradquake

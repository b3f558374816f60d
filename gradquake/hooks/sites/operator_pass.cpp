#include "gradquake/hooks/sites/operator_pass.h"

#include <ATen/EmptyTensor.h>
#include <ATen/ops/alias.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "gradquake/hooks/refuse.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/dense_floating.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::detail {
namespace {

constexpr char kView[] = "a view";
constexpr char kInPlace[] = "in place";
constexpr char kSeveral[] = "several outputs";
constexpr char kNotFloating[] = "not a dense tensor of a floating dtype";
constexpr char kInput[] = "its input handed on";
constexpr char kBeforeLast[] = "before the last operator of its module";
constexpr char kUnused[] = "a module with a parameter that no operator used";
constexpr char kFused[] = "inside a fused operator";

// Whole layers in one operator. The first output is the layer's.
constexpr std::array<std::string_view, 11> kFusedOperators = {"scaled_dot_product_attention",
                                                              "_native_multi_head_attention",
                                                              "_transformer_encoder_layer_fwd",
                                                              "lstm",
                                                              "lstm_cell",
                                                              "gru",
                                                              "gru_cell",
                                                              "rnn_tanh",
                                                              "rnn_tanh_cell",
                                                              "rnn_relu",
                                                              "rnn_relu_cell"};

std::string plain_name(const c10::FunctionSchema& schema) {
  const std::string& name = schema.name();
  if (name.starts_with("aten::")) return name.substr(6);
  const std::size_t colons = name.find("::");
  return name.substr(0, colons) + '.' + name.substr(colons + 2);
}

// All operators that make a tensor from nothing, or from a shape, take this flag.
bool makes_tensors(const c10::FunctionSchema& schema) {
  const auto& arguments = schema.arguments();
  return std::any_of(arguments.begin(), arguments.end(), [](const auto& one) { return one.name() == "pin_memory"; });
}

bool writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

template <class Visit>
void for_each_tensor(const c10::IValue& value, const Visit& visit) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) visit(value.toTensor());
  } else if (value.isTensorList() || value.isOptionalTensorList()) {
    for (const c10::IValue& element : value.toListRef()) for_each_tensor(element, visit);
  }
}

// The caller goes on with a handle of its own on what was written: what the tap returned moves in behind it. What the
// operator has saved keeps the memory it had.
void tap_written(const Site& site, const at::Tensor& written) {
  namespace autograd = torch::autograd;
  at::Tensor before = written.tensor_data();
  if (written.requires_grad()) before = autograd::make_variable(before, autograd::impl::gradient_edge(written));
  at::Tensor after = tap(site, before);
  if (after.is_same(before)) return;
  if (after.requires_grad() && after.is_leaf()) after = at::alias(after);
  written.set_data(after.tensor_data());
  if (after.requires_grad())
    autograd::impl::rebase_history(written, autograd::impl::gradient_edge(after));
  else if (written.requires_grad())
    written.detach_();
}

}  // namespace

OperatorModel::OperatorModel(const std::vector<std::pair<std::string, at::Tensor>>& named) {
  for (const auto& [name, tensor] : named) {
    if (name.empty()) refuse("the name of a parameter", "an empty one");
    const std::size_t dot = name.rfind('.');
    if (!tensor.defined() || dot == std::string::npos || dot == 0) continue;
    const auto [known, is_new] = by_path.try_emplace(name.substr(0, dot), modules.size());
    if (is_new) modules.push_back({Site(known->first)});
    parameters.push_back({tensor, known->second, modules[known->second].parameters++});
  }
}

std::vector<SkippedOperator> OperatorModel::skipped() const {
  const std::lock_guard lock(mutex_);
  return skipped_.value_or(std::vector<SkippedOperator>());
}

bool OperatorModel::wants_skipped() const {
  const std::lock_guard lock(mutex_);
  return !skipped_;
}

void OperatorModel::keep(std::vector<SkippedOperator> of_first_pass) {
  const std::lock_guard lock(mutex_);
  if (!skipped_) skipped_ = std::move(of_first_pass);
}

OperatorPass::OperatorPass(std::shared_ptr<OperatorModel> model, const torch::autograd::Node* node)
    : model_(std::move(model)), node_(node), records_(model_->wants_skipped()) {
  if (!beneath_is_wanted()) return;
  std::vector<at::Tensor> parameters;
  for (const OperatorModel::Parameter& one : model_->parameters) parameters.push_back(one.tensor);
  constants_.emplace(parameters);
}

void OperatorPass::carry_out(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  Operator& here = known(op);
  if (here.returns == Returns::kNothing || here.returns == Returns::kView) {
    op.callBoxed(&stack);
    if (here.returns == Returns::kView) skip(here.name, kView);
    return;
  }
  Arguments arguments = arguments_of(op, stack);
  if (const std::optional<Owner> owner = owner_of(here, arguments))
    call_tapping_beneath(op, *owner, arguments, stack);
  else
    op.callBoxed(&stack);
  if (here.returns == Returns::kInPlace) {
    after_in_place(here, arguments);
  } else if (here.returns == Returns::kSeveral) {
    after_several(here, arguments, stack, op.schema().returns().size());
  } else {
    at::Tensor result = std::move(stack.back()).toTensor();
    after_one(here, arguments, result);
    stack.back() = std::move(result);
  }
}

void OperatorPass::finish() {
  if (!records_ || calls_.empty()) return;
  for (std::size_t i = 0; i < calls_.size(); ++i)
    if (!calls_[i].used.empty() && !calls_[i].ever_ended) skip(model_->modules[i].site.name(), kUnused);
  model_->keep(std::move(skipped_));
}

OperatorPass::Operator& OperatorPass::known(const c10::OperatorHandle& op) {
  const auto [entry, is_new] = operators_.try_emplace(op);
  Operator& here = entry->second;
  if (!is_new) return here;
  const c10::FunctionSchema& schema = op.schema();
  const auto& returns = schema.returns();
  here.name = plain_name(schema);
  here.next_number = &numbers_[here.name];
  here.fused = std::find(kFusedOperators.begin(), kFusedOperators.end(), here.name) != kFusedOperators.end();
  if (returns.empty() || makes_tensors(schema))
    here.returns = Returns::kNothing;
  else if (std::any_of(returns.begin(), returns.end(), writes))
    here.returns = Returns::kInPlace;
  else if (std::any_of(returns.begin(), returns.end(), [](const auto& one) { return one.alias_info() != nullptr; }))
    here.returns = Returns::kView;
  else if (returns.size() > 1 || returns[0].type()->kind() == c10::TypeKind::ListType)
    here.returns = Returns::kSeveral;
  else
    here.returns = returns[0].type()->kind() == c10::TypeKind::TensorType ? Returns::kOne : Returns::kNothing;
  return here;
}

OperatorPass::Arguments OperatorPass::arguments_of(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (calls_.empty()) {
    calls_.resize(std::max<std::size_t>(model_->modules.size(), 1));
    for (const OperatorModel::Parameter& one : model_->parameters) {
      if (!one.tensor.has_storage()) continue;
      const at::Tensor& tensor = one.tensor;
      const std::size_t begin = static_cast<std::size_t>(tensor.storage_offset()) * tensor.itemsize();
      const std::size_t size = at::detail::computeStorageNbytes(tensor.sizes(), tensor.strides(), tensor.itemsize());
      storages_[tensor.storage().unsafeGetStorageImpl()].push_back({begin, begin + size, &one});
    }
  }
  Arguments arguments;
  const auto& schema = op.schema().arguments();
  const auto values = torch::jit::last(stack, schema.size());
  for (std::size_t i = 0; i < schema.size(); ++i)
    if (writes(schema[i]))
      for_each_tensor(values[i], [&](const at::Tensor& tensor) { arguments.written = tensor; });
    else
      for_each_tensor(values[i], [&](const at::Tensor& tensor) { find_parameters(tensor, arguments); });
  return arguments;
}

void OperatorPass::find_parameters(const at::Tensor& tensor, Arguments& arguments) {
  if (!tensor.has_storage()) return;
  const c10::StorageImpl* const storage = tensor.storage().unsafeGetStorageImpl();
  arguments.storages.push_back(storage);
  const auto found = storages_.find(storage);
  if (found == storages_.end()) return;
  const std::size_t place = static_cast<std::size_t>(tensor.storage_offset()) * tensor.itemsize();
  for (const Range& range : found->second)
    if (range.begin <= place && place < range.end) arguments.parameters.push_back(range.parameter);
}

OperatorPass::ByModule OperatorPass::by_module(const Parameters& parameters) {
  ByModule used;
  for (const OperatorModel::Parameter* one : parameters) used[one->module].insert(one->position);
  return used;
}

std::size_t OperatorPass::mostly(const ByModule& used) {
  return std::max_element(used.begin(), used.end(),
                          [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
      ->first;
}

bool OperatorPass::repeats(const Call& call, const std::set<std::size_t>& positions) {
  return std::any_of(positions.begin(), positions.end(), [&](std::size_t one) { return call.used.contains(one); });
}

OperatorPass::Use OperatorPass::use(const Parameters& parameters, const at::Tensor& output) {
  if (parameters.empty()) return {};
  const ByModule used = by_module(parameters);
  const std::size_t main = mostly(used);
  Use found;
  for (const auto& [module, positions] : used) {
    Call& call = calls_[module];
    const bool again = repeats(call, positions);
    const bool on_own_output =
        !again && output.defined() && call.output && call.output->lock().get() == output.unsafeGetTensorImpl();
    if (again) call.used.clear();
    call.used.insert(positions.begin(), positions.end());
    const bool ends = call.used.size() == model_->modules[module].parameters;
    if (module == main) found = {&model_->modules[module], ends, on_own_output};
    call.ever_ended |= ends;
    call.output.reset();
    if (ends)
      call.used.clear();
    else
      call.output.emplace(output.getIntrusivePtr());
  }
  return found;
}

void OperatorPass::after_one(Operator& op, const Arguments& arguments, at::Tensor& result) {
  if (!is_dense_floating(result)) {
    skip(op.name, kNotFloating);
    return;
  }
  const Use by = use(arguments.parameters, result);
  if (by.module != nullptr && !by.ends_call) {
    skip(op.name, kBeforeLast);
    return;
  }
  const Site site = by.module != nullptr ? by.module->site : numbered(op);
  const c10::StorageImpl* const storage = result.storage().unsafeGetStorageImpl();
  if (std::find(arguments.storages.begin(), arguments.storages.end(), storage) != arguments.storages.end())
    skip(site.name(), kInput);
  else
    result = tap_output(op, site, std::move(result));
}

void OperatorPass::after_several(Operator& op, const Arguments& arguments, torch::jit::Stack& stack,
                                 std::size_t results) {
  c10::IValue& first = torch::jit::peek(stack, 0, results);
  bool floating = false;
  for (const c10::IValue& value : torch::jit::last(stack, results))
    for_each_tensor(value, [&](const at::Tensor& tensor) { floating |= is_dense_floating(tensor); });
  if (!floating) {
    skip(op.name, kNotFloating);
    return;
  }
  const bool is_layer = op.fused && first.isTensor() && is_dense_floating(first.toTensor());
  const Use by = use(arguments.parameters, is_layer ? first.toTensor() : at::Tensor());
  if (!is_layer)
    skip(by.module != nullptr ? by.module->site.name() : op.name, kSeveral);
  else if (by.module != nullptr && !by.ends_call)
    skip(op.name, kBeforeLast);
  else
    first = tap_output(op, by.module != nullptr ? by.module->site : numbered(op), first.toTensor());
}

void OperatorPass::after_in_place(Operator& op, const Arguments& arguments) {
  const Use by = use(arguments.parameters, arguments.written);
  if (by.module != nullptr && by.ends_call && by.on_own_output && is_dense_floating(arguments.written) &&
      !arguments.written.is_view())
    tap_written(by.module->site, arguments.written);
  else
    skip(op.name, kInPlace);
}

at::Tensor OperatorPass::tap_output(const Operator& op, const Site& site, at::Tensor result) {
  if (op.fused) skip(site.name(), kFused);
  return tap(site, std::move(result));
}

std::string OperatorPass::next_name(Operator& op) {
  std::string name;
  while (model_->by_path.contains(name = op.name + '.' + std::to_string(*op.next_number))) ++*op.next_number;
  return name;
}

Site OperatorPass::numbered(Operator& op) {
  Site site(next_name(op));
  ++*op.next_number;
  return site;
}

std::optional<OperatorPass::Owner> OperatorPass::owner_of(Operator& op, const Arguments& arguments) {
  if (!constants_ || op.returns == Returns::kInPlace || (op.returns == Returns::kSeveral && !op.fused))
    return std::nullopt;
  if (arguments.parameters.empty()) return Owner{.name = next_name(op)};
  const ByModule used = by_module(arguments.parameters);
  const std::size_t main = mostly(used);
  Call& call = calls_[main];
  return Owner{model_->modules[main].site.name(), &call, call.used.empty() || repeats(call, used.at(main))};
}

void OperatorPass::tap_inputs(const c10::OperatorHandle& op, const Owner& owner, Arguments& arguments,
                              torch::jit::Stack& stack) const {
  const auto& schema = op.schema().arguments();
  std::vector<std::size_t> places;
  std::size_t count = 0;
  const auto is_input = [&](const at::Tensor& tensor) {
    return is_dense_floating(tensor) && !constants_->holds(tensor);
  };
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].alias_info() != nullptr) continue;
    std::size_t here = 0;
    for_each_tensor(torch::jit::peek(stack, i, schema.size()),
                    [&](const at::Tensor& tensor) { here += is_input(tensor); });
    if (here > 0) places.push_back(i);
    count += here;
  }
  std::size_t which = 0;
  const auto seen = [&](const at::Tensor& tensor) {
    if (!is_input(tensor)) return tensor;
    at::Tensor tapped = tap_input(Site(input_name(owner.name, which++, count)), tensor);
    arguments.storages.push_back(tapped.storage().unsafeGetStorageImpl());  // it may be handed on as it is
    return tapped;
  };
  for (const std::size_t i : places) {
    c10::IValue& value = torch::jit::peek(stack, i, schema.size());
    if (value.isTensor()) {
      value = seen(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(seen(tensor));
      value = std::move(list);
    }
  }
}

void OperatorPass::call_tapping_beneath(const c10::OperatorHandle& op, const Owner& owner, Arguments& arguments,
                                        torch::jit::Stack& stack) {
  if (owner.begins) tap_inputs(op, owner, arguments, stack);
  SavedTensors saved(*constants_);
  op.callBoxed(&stack);
  const std::size_t first = owner.call == nullptr || owner.begins ? 0 : owner.call->saved;
  const std::size_t last = saved.tap(owner.name, first);
  if (owner.call != nullptr) owner.call->saved = last;
}

void OperatorPass::skip(const std::string& name, const char* why) {
  if (!records_) return;
  const auto same = std::find_if(skipped_.begin(), skipped_.end(),
                                 [&](const SkippedOperator& one) { return one.name == name && one.why == why; });
  if (same == skipped_.end())
    skipped_.push_back({name, why, 1});
  else
    ++same->times;
}

}  // namespace gradquake::detail

#include "gradquake/model/exported/interpreter.h"

#include <c10/core/GradMode.h>

#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "gradquake/core/error.h"
#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/exported/arguments.h"
#include "gradquake/model/exported/refusal.h"

namespace gradquake::model::exported {
namespace {

using Values = std::vector<c10::IValue>;

const c10::IValue& value_at(const Values& values, Slot slot) { return values[static_cast<std::size_t>(slot)]; }

[[noreturn]] void refuse_input(const Input& input, const std::string& expected, const std::string& got) {
  throw UserError("model", "expected input '" + input.name + "' " + expected + ", as it was exported, got " + got);
}

std::string text_of(const at::Tensor& tensor) {
  std::ostringstream text;
  text << at::toString(tensor.scalar_type()) << ' ' << tensor.sizes();
  return text.str();
}

void expect_fitting(const Input& input, const at::Tensor& tensor, std::map<std::string, std::int64_t>& symbols) {
  if (tensor.scalar_type() != input.type)
    refuse_input(input, std::string("of type ") + at::toString(input.type), text_of(tensor));
  if (tensor.dim() != static_cast<std::int64_t>(input.sizes.size()))
    refuse_input(input, "of " + std::to_string(input.sizes.size()) + " dimensions", text_of(tensor));
  for (std::size_t d = 0; d < input.sizes.size(); ++d) {
    const auto& [least, most, symbol] = input.sizes[d];
    const std::int64_t size = tensor.size(static_cast<std::int64_t>(d));
    const std::string where = " in dimension " + std::to_string(d);
    if (size < least || size > most) {
      const std::string from = std::to_string(least),
                        allowed = least == most ? from : from + " to " + std::to_string(most);
      refuse_input(input, "of size " + allowed + where, text_of(tensor));
    }
    if (symbol.empty()) continue;
    const std::int64_t before = symbols.try_emplace(symbol, size).first->second;
    if (before != size)
      refuse_input(input, "of size " + std::to_string(before) + where + ", that of another", text_of(tensor));
  }
}

c10::IValue filled(const Fill& fill, const Values& values) {
  const auto element = [&](std::size_t i) -> const c10::IValue& {
    return fill.slots[i] == kNoSlot ? fill.constants[i] : value_at(values, fill.slots[i]);
  };
  switch (fill.kind) {
    case Fill::Kind::kValue:
      return value_at(values, fill.slots[0]);
    case Fill::Kind::kNumberTensor:
      return number_tensor(value_at(values, fill.slots[0]));
    case Fill::Kind::kTensors: {
      c10::List<at::Tensor> list;
      for (const Slot slot : fill.slots) list.push_back(value_at(values, slot).toTensor());
      return list;
    }
    case Fill::Kind::kOptionalTensors: {
      c10::List<std::optional<at::Tensor>> list;
      for (const Slot slot : fill.slots)
        list.push_back(slot == kNoSlot ? std::nullopt : std::optional(value_at(values, slot).toTensor()));
      return list;
    }
    case Fill::Kind::kIntegers: {
      std::vector<std::int64_t> list;
      for (std::size_t i = 0; i < fill.slots.size(); ++i) list.push_back(element(i).toInt());
      return list;
    }
    case Fill::Kind::kNumbers: {
      std::vector<double> list;
      for (std::size_t i = 0; i < fill.slots.size(); ++i) list.push_back(element(i).toDouble());
      return list;
    }
  }
  return {};
}

void drop_out(const Node& node, Values& values, bool training) {
  const AddressedDropout& dropout = *node.dropout;
  at::Tensor result = value_at(values, dropout.input).toTensor();
  if (training && dropout.p > 0) result = gradquake::dropout(dropout.site, result, dropout.p);
  // Who reads the input of an operator in place reads its result.
  if (dropout.in_place) values[static_cast<std::size_t>(dropout.input)] = result;
  values[static_cast<std::size_t>(node.outputs.at(0))] = std::move(result);
}

void tap_read(const ReadValue& read, c10::IValue& argument) {
  if (argument.isTensor()) {
    argument = tap_input(read.site, argument.toTensor());
  } else if (argument.isTensorList()) {
    const c10::List<at::Tensor> tensors = argument.toTensorList();
    tensors.set(read.element, tap_input(read.site, tensors.get(read.element)));
  }
}

void call_operator(const Node& node, torch::jit::Stack& stack, const ConstantMemory* state) {
  if (state == nullptr || node.operator_name.empty()) {
    node.op->callBoxed(stack);
    return;
  }
  for (const ReadValue& read : node.reads) tap_read(read, stack[read.argument]);
  SavedTensors saved(*state);
  node.op->callBoxed(stack);
  saved.tap(node.operator_name);
}

void call(const Node& node, Values& values, bool training, torch::jit::Stack& stack, const ConstantMemory* state) {
  stack.assign(node.arguments.begin(), node.arguments.end());
  for (const Fill& fill : node.fills) stack[fill.argument] = filled(fill, values);
  if (!training)
    for (const auto& [at, value] : node.in_evaluation) stack[at] = value;
  if (node.size) {
    values[static_cast<std::size_t>(node.outputs.at(0))] = node.size->call(stack);
    return;
  }
  call_operator(node, stack, state);
  if (node.makes_tensors)
    stack = [made = stack.at(0).toTensorVector()] { return torch::jit::Stack(made.begin(), made.end()); }();
  if (stack.size() < node.outputs.size()) {
    refuse("expected " + std::to_string(node.outputs.size()) + " outputs, as it was exported, got " +
           std::to_string(stack.size()));
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i] != kNoSlot) values[static_cast<std::size_t>(node.outputs[i])] = std::move(stack[i]);
}

void carry_out(const Node& node, Values& values, bool training, torch::jit::Stack& stack, const ConstantMemory* state) {
  for (const Entry& entry : node.entries) {
    c10::IValue& value = values[static_cast<std::size_t>(entry.to)] = value_at(values, entry.from);
    if (state != nullptr && value.isTensor()) value = tap_input(entry.site, value.toTensor());
  }
  if (!training && node.left_out_in_evaluation) {
    if (!node.outputs.empty() && node.outputs[0] != kNoSlot)
      values[static_cast<std::size_t>(node.outputs[0])] = value_at(values, *node.left_out_in_evaluation);
  } else if (node.dropout) {
    drop_out(node, values, training);
  } else {
    call(node, values, training, stack, state);
  }
}

[[noreturn]] void refuse_node(const Node& node, const std::string& reason) {
  throw UserError("model", "node " + node.name + " (" + node.target + ")" +
                               (node.module().empty() ? "" : " of module " + node.module()) + " fails: " + reason);
}

}  // namespace

std::vector<at::Tensor> carry_out(const Program& program, const std::vector<at::Tensor>& inputs, bool training) {
  Values values(program.slots);
  for (const auto& [slot, tensor] : program.bound) values[static_cast<std::size_t>(slot)] = tensor;
  std::map<std::string, std::int64_t> symbols;
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    expect_fitting(program.inputs[i], inputs.at(i), symbols);
    values[static_cast<std::size_t>(program.inputs[i].slot)] = inputs[i];
  }
  std::optional<ConstantMemory> state;  // where a scope asks for what operators read and keep
  if (beneath_is_wanted()) {
    std::vector<at::Tensor> tensors;
    for (const auto& [slot, tensor] : program.bound) tensors.push_back(tensor);
    state.emplace(tensors);
  }
  torch::jit::Stack stack;
  for (const Node& node : program.nodes) {
    try {
      carry_out(node, values, training, stack, state ? &*state : nullptr);
    } catch (const std::exception& error) {  // of LibTorch, a Refusal, numbers that a kernel cannot take, no memory
      refuse_node(node, detail::first_line(error));
    }
    for (const SiteValue& site : node.sites) {
      c10::IValue& value = values[static_cast<std::size_t>(site.slot)];
      if (value.isTensor()) value = tap(site.site, value.toTensor());
    }
    for (const Slot slot : node.last_read) values[static_cast<std::size_t>(slot)] = c10::IValue();
  }
  if (training) {
    const c10::AutoGradMode no_grad(false);
    for (const auto& [slot, tensor] : program.mutations) at::Tensor(tensor).copy_(value_at(values, slot).toTensor());
  }
  std::vector<at::Tensor> outputs;
  for (const Output& output : program.outputs)
    outputs.push_back(output.slot == kNoSlot ? at::Tensor() : value_at(values, output.slot).toTensor());
  return outputs;
}

}  // namespace gradquake::model::exported

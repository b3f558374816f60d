#include "gradquake/model/exported/program.h"

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "gradquake/model/exported/arguments.h"
#include "gradquake/model/exported/module_sites.h"
#include "gradquake/model/exported/refusal.h"
#include "gradquake/model/exported/schema.h"

namespace gradquake::model::exported {
namespace {

using nlohmann::json;

// "L__self__,,__main__.Net;L__self__fc1,fc1,torch.nn.modules.linear.Linear", outermost first.
std::vector<ModuleFrame> module_stack(const json& metadata) {
  std::vector<ModuleFrame> frames;
  const std::string stack = metadata.value("nn_module_stack", "");
  for (std::size_t begin = 0; begin < stack.size();) {
    const std::size_t end = std::min(stack.find(';', begin), stack.size());
    const std::string frame = stack.substr(begin, end - begin);
    const std::size_t path = frame.find(','), type = frame.find(',', path == std::string::npos ? path : path + 1);
    if (type != std::string::npos && !frame.starts_with("_empty_nn_module_stack"))
      frames.push_back({frame.substr(0, path), frame.substr(path + 1, type - path - 1), frame.substr(type + 1)});
    begin = end + 1;
  }
  return frames;
}

std::vector<std::string> texts_of(const json& context) {
  const json parsed = context.is_string() ? json::parse(context.get<std::string>(), nullptr, false) : context;
  std::vector<std::string> texts;
  if (!parsed.is_array()) return texts;
  for (const json& one : parsed) {
    if (!one.is_string()) return {};
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

// The names of the tensors in what forward returns: the keys of a dict, positions in a tuple, joined by dots.
void add_leaf_names(const json& spec, const std::string& prefix, std::vector<std::string>& names) {
  if (spec.at("type").is_null()) {
    names.push_back(prefix.empty() ? "output" : prefix);
    return;
  }
  const json& children = spec.at("children_spec");
  const std::vector<std::string> keys = texts_of(spec.value("context", json()));
  for (std::size_t i = 0; i < children.size(); ++i) {
    const std::string name = keys.size() == children.size() ? keys[i] : std::to_string(i);
    add_leaf_names(children[i], prefix.empty() ? name : prefix + "." + name, names);
  }
}

std::vector<std::string> output_names(const json& module) {
  std::vector<std::string> names;
  for (const json& call : module.value("module_call_graph", json::array())) {
    if (!call.at("fqn").get<std::string>().empty() || call.at("signature").is_null()) continue;
    const json spec = json::parse(call.at("signature").at("out_spec").get<std::string>(), nullptr, false);
    if (spec.is_array() && spec.size() == 2) add_leaf_names(spec[1], "", names);
  }
  return names;
}

// An operator that writes into `argument`.
bool writes_into(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

class ProgramReader {
 public:
  ProgramReader(std::vector<StoredTensor> state, DropoutMasks dropout) : dropout_(dropout) {
    program_.state = std::move(state);
    for (const StoredTensor& one : program_.state) stored_.emplace(one.name, &one);
  }

  Program read(const json& program) {
    if (program.value("verifiers", std::vector<std::string>{}) != std::vector<std::string>{"TRAINING"})
      refuse("expected a graph that trains, got one of run_decompositions: save what torch.export.export returned");
    const json& module = program.at("graph_module");
    const json& graph = module.at("graph");
    read_ranges(program.at("range_constraints"));
    for (const json& spec : module.at("signature").at("input_specs")) read_input(spec, graph.at("tensor_values"));
    for (const json& node : graph.at("nodes")) program_.nodes.push_back(read_node(node, graph.at("tensor_values")));
    const std::vector<std::string> names = output_names(module);
    for (const json& spec : module.at("signature").at("output_specs")) read_output(spec, names);
    program_.slots = slots_.size();
    std::set<Slot> kept;
    for (const Output& output : program_.outputs) kept.insert(output.slot);
    for (const auto& [slot, tensor] : program_.mutations) kept.insert(slot);
    add_sites(program_, kept, integers_);
    if (dropout_ == DropoutMasks::kAddressed) address_dropout();
    add_notes();
    for (const auto& [slot, tensor] : program_.bound) kept.insert(slot);
    drop_after_last_read(kept);
    return std::move(program_);
  }

 private:
  Slot make(const std::string& value) {
    return slots_.try_emplace(value, static_cast<Slot>(slots_.size())).first->second;
  }
  Slot slot_of(const std::string& value) const {
    const auto found = slots_.find(value);
    if (found == slots_.end()) refuse("value '" + value + "' is read before any node makes it");
    return found->second;
  }
  const StoredTensor& stored(const std::string& name) const {
    const auto found = stored_.find(name);
    if (found == stored_.end()) refuse("it has no values for '" + name + "'");
    return *found->second;
  }

  void read_ranges(const json& constraints) {
    for (const auto& [symbol, range] : constraints.items()) {
      const json &least = range.at("min_val"), &most = range.at("max_val");
      ranges_[symbol] = {least.is_null() ? 0 : integer_of(least),
                         most.is_null() ? std::numeric_limits<std::int64_t>::max() : integer_of(most), symbol};
    }
  }

  Input::Size size_of(const json& size) const {
    const auto [kind, value] = member_of(size);
    if (kind == "as_int") return {integer_of(value), integer_of(value), ""};
    const Input::Size any{0, std::numeric_limits<std::int64_t>::max(), ""};
    const std::string expression = value.at("expr_str"), head = "Symbol('";
    if (!expression.starts_with(head)) return any;  // an expression of other sizes
    const auto found = ranges_.find(expression.substr(head.size(), expression.find('\'', head.size()) - head.size()));
    if (found == ranges_.end()) return any;
    Input::Size range = found->second;
    // 2 is the exporter's own bound, which tells sizes of 1 apart because they broadcast; the graph is the same for
    // one.
    if (range.least == 2) range.least = 1;
    return range;
  }

  void read_input(const json& spec, const json& tensor_values) {
    const auto [kind, value] = member_of(spec);
    if (kind == "user_input") {
      const auto [form, argument] = member_of(value.at("arg"));
      if (form != "as_tensor") refuse("it takes an input of kind " + form + ": expected tensors alone");
      const std::string name = argument.at("name");
      const json& meta = tensor_values.at(name);
      Input input{name, make(name), scalar_type(meta.at("dtype")), {}};
      for (const json& size : meta.at("sizes")) input.sizes.push_back(size_of(size));
      program_.inputs.push_back(std::move(input));
      return;
    }
    static const std::map<std::string, std::string> names{
        {"parameter", "parameter_name"}, {"buffer", "buffer_name"}, {"tensor_constant", "tensor_constant_name"}};
    const auto found = names.find(kind);
    if (found == names.end()) refuse("its graph takes a " + kind + ", which is not known");
    const Slot slot = make(value.at("arg").at("name"));
    program_.bound.emplace_back(slot, stored(value.at(found->second)).tensor);
    if (kind == "buffer") buffers_.insert(slot);
  }

  void read_output(const json& spec, const std::vector<std::string>& names) {
    const auto [kind, value] = member_of(spec);
    if (kind == "buffer_mutation") {
      program_.mutations.emplace_back(slot_of(value.at("arg").at("name")), stored(value.at("buffer_name")).tensor);
      return;
    }
    if (kind != "user_output") refuse("its graph returns a " + kind + ", which is not known");
    const std::size_t i = program_.outputs.size();
    const auto [form, argument] = member_of(value.at("arg"));
    const Slot slot = form == "as_tensor" ? slot_of(argument.at("name")) : kNoSlot;
    program_.outputs.push_back({i < names.size() ? names[i] : std::to_string(i), slot});
  }

  Node read_node(const json& written, const json& tensor_values) {
    Node node;
    node.target = written.at("target");
    node.name =
        written.contains("name") && written["name"].is_string() ? written["name"].get<std::string>() : node.target;
    node.modules = module_stack(written.at("metadata"));
    try {
      node.size = size_function(node.target);
      if (node.size)
        read_size_node(written.at("inputs"), node);
      else
        read_operator_node(written.at("inputs"), node);
      for (const json& output : written.at("outputs")) read_node_output(output, tensor_values, node);
      follow_buffers(node);
    } catch (const Refusal& refusal) {
      const std::string module = node.module();
      refuse("node " + node.name + (module.empty() ? "" : " of module " + module) + ": " + refusal.what());
    }
    return node;
  }

  void read_size_node(const json& inputs, Node& node) {
    if (inputs.size() != node.size->arguments) {
      refuse("expected " + std::to_string(node.size->arguments) + " arguments of " + node.target + ", got " +
             std::to_string(inputs.size()));
    }
    node.arguments.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      read_argument(
          inputs[i].at("arg"), c10::AnyType::get(), 0, i, [this](const auto& name) { return slot_of(name); }, node);
    }
  }

  static c10::OperatorHandle operator_of(const std::string& target) {
    const std::string higher = "torch.ops.higher_order.", prefix = "torch.ops.";
    if (target.starts_with(higher)) {
      refuse("operator " + target.substr(higher.size()) +
             " holds a graph of its own (control flow), which is not carried out");
    }
    if (!target.starts_with(prefix)) refuse("Python's " + target + " is not known here");
    const std::string name = target.substr(prefix.size());  // namespace.operator.overload
    const std::size_t first = name.find('.'), last = name.rfind('.');
    if (first == last) refuse("expected namespace.operator.overload, got " + name);
    const std::string space = name.substr(0, first), overload = name.substr(last + 1);
    const std::string full = space + "::" + name.substr(first + 1, last - first - 1);
    auto op = c10::Dispatcher::singleton().findSchema({full, overload == "default" ? "" : overload});
    if (!op) {
      refuse("this LibTorch has no operator " + full + " (" + overload +
             "): " + (space == "aten" ? "it is older than the file" : "the library that brings it is not loaded"));
    }
    return *op;
  }

  void read_operator_node(const json& inputs, Node& node) {
    node.op = operator_of(node.target);
    const auto& declared = node.op->schema().arguments();
    node.arguments.resize(declared.size());
    std::vector<bool> given(declared.size());
    for (const json& input : inputs) {
      const std::string name = input.at("name");
      std::size_t at = 0;
      while (at < declared.size() && declared[at].name() != name) ++at;
      if (at == declared.size()) refuse("its operator has no argument '" + name + "' in this LibTorch");
      given[at] = true;
      const std::int32_t length = declared[at].N().value_or(0);
      read_argument(
          input.at("arg"), declared[at].type(), length < 0 ? 0 : static_cast<std::size_t>(length), at,
          [this](const auto& value) { return slot_of(value); }, node);
    }
    for (std::size_t at = 0; at < declared.size(); ++at) {
      if (given[at]) continue;
      if (!declared[at].default_value()) refuse("it has no argument '" + declared[at].name() + "'");
      node.arguments[at] = *declared[at].default_value();
    }
    read_modes(node);
  }

  // Values of the argument of that name; null: a constant, or no such argument.
  static const Fill* fill_of(const Node& node, const std::string& argument) {
    for (const Fill& fill : node.fills)
      if (node.op->schema().arguments()[fill.argument].name() == argument) return &fill;
    return nullptr;
  }

  // What differs between training and evaluation: an export fixes it as it was.
  void read_modes(Node& node) const {
    const auto& declared = node.op->schema().arguments();
    for (std::size_t at = 0; at < declared.size(); ++at) {
      const std::string& name = declared[at].name();
      const bool flag = node.arguments[at].isBool();
      // instance_norm takes the input's statistics, unless it keeps some.
      if (flag &&
          (name == "train" || name == "training" || (name == "use_input_stats" && fill_of(node, "running_mean"))))
        node.in_evaluation.emplace_back(at, false);
      if (name == "dropout_p") node.in_evaluation.emplace_back(at, 0.0);
      // A counter that training moves, such as num_batches_tracked; batch_norm itself has a flag.
      if (!writes_into(declared[at]) || node.target == "torch.ops.aten.batch_norm.default") continue;
      for (const Fill& fill : node.fills)
        if (fill.argument == at && fill.kind == Fill::Kind::kValue && buffers_.contains(fill.slots[0]))
          node.left_out_in_evaluation = fill.slots[0];
    }
  }

  // What writes into a view of a buffer, or into what an operator in place returned of one, writes into the buffer.
  void follow_buffers(const Node& node) {
    if (!node.op) return;
    for (const Fill& fill : node.fills)
      if (node.op->schema().arguments()[fill.argument].alias_info() && buffers_.contains(fill.slots[0]))
        buffers_.insert(node.outputs.begin(), node.outputs.end());
  }

  Slot make_tensor(const json& argument, const json& tensor_values) {
    const std::string name = argument.at("name");
    const Slot slot = make(name);
    if (tensor_values.contains(name) && c10::isIntegralType(scalar_type(tensor_values[name].at("dtype")), true))
      integers_.insert(slot);
    return slot;
  }

  void read_node_output(const json& output, const json& tensor_values, Node& node) {
    const auto [kind, value] = member_of(output);
    if (kind == "as_tensors") {
      node.makes_tensors = true;
      for (const json& one : value) node.outputs.push_back(make_tensor(one, tensor_values));
    } else if (kind == "as_tensor") {
      node.outputs.push_back(make_tensor(value, tensor_values));
    } else if (kind.starts_with("as_sym_")) {
      node.makes_sizes = true;
      node.outputs.push_back(make(value.at("as_name")));
    } else if (kind == "as_none") {
      node.outputs.push_back(kNoSlot);
    } else {
      refuse("it makes a " + kind + ", which is not known");
    }
  }

  void address_dropout() {
    for (Node& node : program_.nodes) {
      const bool in_place = node.target == "torch.ops.aten.dropout_.default";
      if (!in_place && node.target != "torch.ops.aten.dropout.default") continue;
      const Fill* const input = fill_of(node, node.op->schema().arguments()[0].name());
      const c10::IValue &p = node.arguments.at(1), &train = node.arguments.at(2);
      if (!input || !p.isDouble() || !train.isBool() || !train.toBool() || p.toDouble() >= 1) continue;
      const std::string name = node.module().empty() ? "dropout" : node.module();  // a second one: an occurrence
      node.dropout = AddressedDropout{Site(name), input->slots[0], p.toDouble(), in_place};
    }
  }

  void add_notes() {
    bool flags = false, trains = false;
    for (const Node& node : program_.nodes) {
      for (const auto& [at, value] : node.in_evaluation) {
        if (!value.isBool()) continue;
        flags = true;
        trains |= node.arguments[at].toBool();
      }
      if (!node.op || node.dropout || !node.op->hasTag(at::Tag::nondeterministic_seeded)) continue;
      const std::string who = node.module().empty() ? "node " + node.name : node.module() + " (" + node.name + ")";
      if (node.in_evaluation.empty())
        program_.notes.push_back(who + " draws random numbers in evaluation too: the export kept no flag for it");
      else if (dropout_ == DropoutMasks::kAddressed && draws(node))
        program_.notes.push_back(who + " draws its dropout within one operator, from LibTorch's generator");
    }
    if (flags && !trains)
      program_.notes.push_back("exported in evaluation mode: dropout and batch-norm stay as they are");
  }

  // Whether a fused operator drops anything.
  static bool draws(const Node& node) {
    const auto& declared = node.op->schema().arguments();
    for (std::size_t at = 0; at < declared.size(); ++at) {
      const bool probability =
          declared[at].name() == "dropout_p" || declared[at].name() == "dropout" || declared[at].name() == "p";
      if (probability && node.arguments[at].isDouble() && node.arguments[at].toDouble() > 0) return true;
    }
    return false;
  }

  void drop_after_last_read(const std::set<Slot>& kept) {
    std::vector<std::size_t> last(program_.slots, program_.nodes.size());
    for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
      const Node& node = program_.nodes[i];
      const auto used = [&](Slot slot) {
        if (slot != kNoSlot) last[static_cast<std::size_t>(slot)] = i;
      };
      for (const Fill& fill : node.fills)
        for (const Slot slot : fill.slots) used(slot);
      for (const Slot slot : node.outputs) used(slot);
      for (const SiteValue& site : node.sites) used(site.slot);
      for (const Entry& entry : node.entries) {
        used(entry.from);
        used(entry.to);
      }
    }
    for (std::size_t slot = 0; slot < last.size(); ++slot) {
      if (last[slot] == program_.nodes.size() || kept.contains(static_cast<Slot>(slot))) continue;
      program_.nodes[last[slot]].last_read.push_back(static_cast<Slot>(slot));
    }
  }

  const DropoutMasks dropout_;
  Program program_;
  std::unordered_map<std::string, const StoredTensor*> stored_;  // by name; in program_.state, which stays in its place
  std::unordered_map<std::string, Slot> slots_;
  std::set<Slot> buffers_;   // and what shares their memory
  std::set<Slot> integers_;  // tensors of integers and flags
  std::map<std::string, Input::Size> ranges_;
};

}  // namespace

const std::string& Node::module() const {
  static const std::string root;
  return modules.empty() ? root : modules.back().path;
}

Program read_program(const json& program, std::vector<StoredTensor> state, DropoutMasks dropout) {
  return ProgramReader(std::move(state), dropout).read(program);
}

}  // namespace gradquake::model::exported

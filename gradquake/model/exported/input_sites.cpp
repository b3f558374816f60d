#include "gradquake/model/exported/input_sites.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/sites/beneath.h"

namespace gradquake::model::exported {
namespace {

// Floating tensors of the batch's making.
std::set<Slot> readable_values(const Program& program, const std::set<Slot>& integers) {
  std::set<Slot> readable;
  for (const Input& input : program.inputs)
    if (at::isFloatingType(input.type)) readable.insert(input.slot);
  for (const Node& node : program.nodes)
    if (node.op && !node.makes_sizes) readable.insert(node.outputs.begin(), node.outputs.end());
  readable.erase(kNoSlot);
  for (const Slot slot : integers) readable.erase(slot);
  return readable;
}

bool holds_tensors(const Fill& fill) {
  return fill.kind == Fill::Kind::kValue || fill.kind == Fill::Kind::kTensors ||
         fill.kind == Fill::Kind::kOptionalTensors;
}

void add_operator_inputs(Node& node, const std::set<Slot>& readable) {
  struct Argument {
    std::size_t argument, element;
  };
  std::vector<Argument> places;
  for (const Fill& fill : node.fills) {
    const bool viewed = node.op->schema().arguments()[fill.argument].alias_info() != nullptr;
    if (viewed || !holds_tensors(fill)) continue;
    for (std::size_t k = 0; k < fill.slots.size(); ++k)
      if (readable.contains(fill.slots[k])) places.push_back({fill.argument, k});
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Argument& a, const Argument& b) { return a.argument < b.argument; });
  for (std::size_t k = 0; k < places.size(); ++k) {
    node.reads.push_back(
        {Site(input_name(node.operator_name, k, places.size())), places[k].argument, places[k].element});
  }
}

// One call of a module, and the nodes in it.
struct ModuleCall {
  std::string path;
  std::size_t depth = 0;
  std::vector<std::size_t> nodes = {};
};

std::vector<ModuleCall> calls_from_outside_in(const Program& program, const ModuleNames& names) {
  std::vector<ModuleCall> calls;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const std::vector<ModuleFrame>& modules = program.nodes[i].modules;
    for (std::size_t depth = 0; depth < modules.size(); ++depth) {
      if (modules[depth].path.empty()) continue;
      const auto [call, fresh] = known.try_emplace(modules[depth].call, calls.size());
      if (fresh) calls.push_back({names.of(modules[depth].path), depth});
      calls[call->second].nodes.push_back(i);
    }
  }
  std::stable_sort(calls.begin(), calls.end(),
                   [](const ModuleCall& a, const ModuleCall& b) { return a.depth < b.depth; });
  return calls;
}

// What the nodes of a call read and none of them makes, in the order of reading, each with its first reader. Not what
// this node or a later one writes into: a module that works in place does so on the memory it was given.
std::vector<std::pair<Slot, std::size_t>> read_from_outside(const Program& program, const ModuleCall& call,
                                                            const SharedMemory& memory,
                                                            const std::set<Slot>& readable) {
  std::set<Slot> met;
  for (const std::size_t i : call.nodes) met.insert(program.nodes[i].outputs.begin(), program.nodes[i].outputs.end());
  std::vector<std::pair<Slot, std::size_t>> from_outside;
  for (const std::size_t i : call.nodes)
    for (const Fill& fill : program.nodes[i].fills)
      for (const Slot slot : fill.slots)
        if (holds_tensors(fill) && readable.contains(slot) && met.insert(slot).second &&
            !memory.is_written_from(slot, i))
          from_outside.emplace_back(slot, i);
  return from_outside;
}

void add_module_inputs(Program& program, const ModuleCall& call, const SharedMemory& memory, std::set<Slot>& readable) {
  const auto from_outside = read_from_outside(program, call, memory, readable);
  for (std::size_t k = 0; k < from_outside.size(); ++k) {
    const auto& [from, reader] = from_outside[k];
    const Slot to = static_cast<Slot>(program.slots++);
    readable.insert(to);  // of the modules in it
    program.nodes[reader].entries.push_back({Site(input_name(call.path, k, from_outside.size())), from, to});
    for (const std::size_t i : call.nodes)
      for (Fill& fill : program.nodes[i].fills) std::replace(fill.slots.begin(), fill.slots.end(), from, to);
  }
}

}  // namespace

void add_input_sites(Program& program, const ModuleNames& names, const SharedMemory& memory,
                     const std::set<Slot>& integers) {
  std::set<Slot> readable = readable_values(program, integers);
  for (Node& node : program.nodes)
    if (node.op && !node.operator_name.empty()) add_operator_inputs(node, readable);
  for (const ModuleCall& call : calls_from_outside_in(program, names))
    add_module_inputs(program, call, memory, readable);
}

}  // namespace gradquake::model::exported

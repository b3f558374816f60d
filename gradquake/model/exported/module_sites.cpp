#include "gradquake/model/exported/module_sites.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "gradquake/model/exported/input_sites.h"
#include "gradquake/model/exported/module_names.h"
#include "gradquake/model/exported/shared_memory.h"

namespace gradquake::model::exported {
namespace {

// One call of a module.
struct Call {
  std::string path;
  std::size_t depth = 0;
  std::size_t last = 0;         // its last node
  std::vector<Slot> made = {};  // tensors, in the order of the nodes
};

bool makes_tensors_of_interest(const Node& node) { return node.op.has_value() && !node.makes_sizes; }

std::map<std::string, Call> calls_of(const Program& program, const ModuleNames& names,
                                     const std::set<Slot>& passed_by) {
  std::map<std::string, Call> calls;
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const Node& node = program.nodes[i];
    for (std::size_t depth = 0; depth < node.modules.size(); ++depth) {
      const ModuleFrame& frame = node.modules[depth];
      if (frame.path.empty()) continue;
      Call& call = calls.try_emplace(frame.call, Call{names.of(frame.path), depth}).first->second;
      call.last = i;
      if (!makes_tensors_of_interest(node)) continue;
      for (const Slot slot : node.outputs)
        if (slot != kNoSlot && !passed_by.contains(slot)) call.made.push_back(slot);
    }
  }
  return calls;
}

bool within(const Node& node, const std::string& call) {
  return std::any_of(node.modules.begin(), node.modules.end(),
                     [&](const ModuleFrame& one) { return one.call == call; });
}

std::string short_target(const Node& node) {
  const std::string target = node.target.substr(std::string("torch.ops.").size());  // "aten.conv2d.default"
  return target.substr(0, target.rfind('.'));
}

}  // namespace

void add_sites(Program& program, const std::set<Slot>& returned, const std::set<Slot>& integers) {
  const SharedMemory memory(program);
  // A tap that hands on another tensor would cut them from what else reads the memory.
  const std::set<Slot>& views = memory.written_views();
  std::set<Slot> passed_by = views;
  passed_by.insert(integers.begin(), integers.end());
  std::size_t moved = 0;
  for (const Node& node : program.nodes) {
    if (!node.left_out_in_evaluation) continue;
    for (const Slot slot : node.outputs) moved += integers.contains(slot) ? 0 : 1;
    passed_by.insert(node.outputs.begin(), node.outputs.end());
  }
  if (!passed_by.empty())
    program.notes.push_back("no sites are " + std::to_string(integers.size()) + " tensors of integers, " +
                            std::to_string(views.size()) + " views of memory that is written into later, and " +
                            std::to_string(moved) + " buffers that training moves");
  const ModuleNames names(program);
  for (const auto& [path, first] : names.same()) {
    program.notes.push_back("module " + path + " is " + first +
                            " by another name: its sites have the names of the latter");
  }

  std::unordered_map<Slot, std::vector<std::size_t>> readers;            // nodes
  std::unordered_map<Slot, std::pair<std::size_t, std::size_t>> makers;  // node, which of its outputs
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const Node& node = program.nodes[i];
    for (const Fill& fill : node.fills)
      for (const Slot slot : fill.slots) readers[slot].push_back(i);
    for (std::size_t k = 0; k < node.outputs.size(); ++k) makers[node.outputs[k]] = {i, k};
  }

  std::map<std::string, std::map<std::string, int>> counts;  // by call and operator
  for (Node& node : program.nodes) {
    if (!makes_tensors_of_interest(node)) continue;
    const std::string call = node.modules.empty() ? "" : node.modules.back().call;
    std::string name = names.of(node.module()) + ":" + short_target(node);
    const int count = counts[call][name]++;
    if (count > 0) name += "." + std::to_string(count);
    node.operator_name = name;
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k] == kNoSlot || passed_by.contains(node.outputs[k])) continue;
      node.sites.push_back({Site(node.outputs.size() == 1 ? name : name + "#" + std::to_string(k)), node.outputs[k]});
    }
  }

  struct ModuleOutput {
    Call call;
    std::vector<SiteValue> values;
  };
  std::vector<ModuleOutput> outputs;
  for (auto& [key, call] : calls_of(program, names, passed_by)) {
    std::vector<Slot> escaping;
    for (const Slot slot : call.made) {
      const auto& read_by = readers[slot];
      if (returned.contains(slot) ||
          std::any_of(read_by.begin(), read_by.end(),
                      [&, &one_call = key](std::size_t reader) { return !within(program.nodes[reader], one_call); }))
        escaping.push_back(slot);
    }
    std::vector<SiteValue> values;
    for (std::size_t i = 0; i < escaping.size(); ++i) {
      const auto [maker, place] = makers.at(escaping[i]);
      // An operator that returns a tuple says which of it this is; else values are told apart by their order.
      const bool tuple = program.nodes[maker].op->schema().returns().size() > 1;
      const bool several = tuple || escaping.size() > 1;
      const std::string name = several ? call.path + "." + std::to_string(tuple ? place : i) : call.path;
      values.push_back({Site(name), escaping[i]});
    }
    if (!values.empty()) outputs.push_back({call, std::move(values)});
  }
  // An inner module returns before the one around it.
  std::sort(outputs.begin(), outputs.end(), [](const ModuleOutput& a, const ModuleOutput& b) {
    return a.call.last != b.call.last ? a.call.last < b.call.last : a.call.depth > b.call.depth;
  });
  for (const ModuleOutput& output : outputs) {
    auto& sites = program.nodes[output.call.last].sites;
    sites.insert(sites.end(), output.values.begin(), output.values.end());
  }
  add_input_sites(program, names, memory, integers);
}

}  // namespace gradquake::model::exported

#include "gradquake/model/exported/module_sites.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

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

// A module registered under two names holds the same parameters under both. The first name of state_dict() counts.
class ModuleNames {
 public:
  explicit ModuleNames(const Program& program) : types_(types_of(program)) {
    std::map<std::string, std::map<std::string, const at::TensorImpl*>> holdings;  // of each module, by name in it
    std::vector<std::string> paths;                                                // as state_dict() meets them
    for (const StoredTensor& one : program.state) {
      const at::TensorImpl* const tensor = one.tensor.unsafeGetTensorImpl();
      for (std::size_t dot = one.name.find('.'); dot != std::string::npos; dot = one.name.find('.', dot + 1)) {
        const auto [holding, fresh] = holdings.try_emplace(one.name.substr(0, dot));
        if (fresh) paths.push_back(holding->first);
        holding->second[one.name.substr(dot + 1)] = tensor;
      }
    }
    std::map<std::pair<std::string, std::map<std::string, const at::TensorImpl*>>, std::string> first;
    for (const std::string& path : paths) {
      const auto type = types_.find(path);
      if (type == types_.end()) continue;  // never called by this name
      const std::string& known = first.try_emplace({type->second, holdings[path]}, path).first->second;
      if (known != path) same_[path] = known;
    }
  }

  // The name that counts.
  std::string of(const std::string& path) const {
    for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('.', end - 1)) {
      const auto found = same_.find(path.substr(0, end));
      if (found != same_.end()) return found->second + path.substr(end);
    }
    return path;
  }

  const std::map<std::string, std::string>& same() const { return same_; }

 private:
  static std::map<std::string, std::string> types_of(const Program& program) {
    std::map<std::string, std::string> types;
    for (const Node& node : program.nodes)
      for (const ModuleFrame& frame : node.modules) types[frame.path] = frame.type;
    return types;
  }

  const std::map<std::string, std::string> types_;
  std::map<std::string, std::string> same_;  // a name, and the first of the same module
};

// Views of memory that a later node writes into, and what such a write returns: a tap that hands on another tensor
// would cut them from what else reads the memory.
std::set<Slot> written_views(const Program& program) {
  std::unordered_map<Slot, Slot> roots;            // of what shares a value's memory: that value
  std::unordered_map<Slot, std::set<Slot>> views;  // by root
  std::set<Slot> written;
  for (const Node& node : program.nodes) {
    if (!node.op) continue;
    for (const Fill& fill : node.fills) {
      const c10::AliasInfo* const alias = node.op->schema().arguments()[fill.argument].alias_info();
      if (alias == nullptr) continue;
      const Slot source = fill.slots[0], root = roots.contains(source) ? roots[source] : source;
      std::set<Slot>& known = views[root];
      const bool is_view = !alias->isWrite() || known.contains(source);
      if (is_view) known.insert(node.outputs.begin(), node.outputs.end());
      if (alias->isWrite()) written.insert(known.begin(), known.end());
      for (const Slot output : node.outputs) roots[output] = root;
    }
  }
  return written;
}

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
  const std::set<Slot> views = written_views(program);
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
}

}  // namespace gradquake::model::exported

#include "gradquake/model/exported/shared_memory.h"

namespace gradquake::model::exported {

SharedMemory::SharedMemory(const Program& program) {
  std::unordered_map<Slot, std::set<Slot>> views;  // by root
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const Node& node = program.nodes[i];
    if (!node.op) continue;
    for (const Fill& fill : node.fills) {
      const c10::AliasInfo* const alias = node.op->schema().arguments()[fill.argument].alias_info();
      if (alias == nullptr) continue;
      const Slot source = fill.slots[0], root = root_of(source);
      std::set<Slot>& known = views[root];
      const bool is_view = !alias->isWrite() || known.contains(source);
      if (is_view) known.insert(node.outputs.begin(), node.outputs.end());
      if (alias->isWrite()) {
        written_views_.insert(known.begin(), known.end());
        last_write_[root] = i;
      }
      for (const Slot output : node.outputs) roots_[output] = root;
    }
  }
}

Slot SharedMemory::root_of(Slot slot) const {
  const auto found = roots_.find(slot);
  return found == roots_.end() ? slot : found->second;
}

bool SharedMemory::is_written_from(Slot slot, std::size_t first) const {
  const auto found = last_write_.find(root_of(slot));
  return found != last_write_.end() && found->second >= first;
}

}  // namespace gradquake::model::exported

// Which values of a graph share memory that some node writes into. Internal to model/exported/.
#pragma once

#include <cstddef>
#include <set>
#include <unordered_map>

#include "gradquake/model/exported/program.h"

namespace gradquake::model::exported {

class SharedMemory {
 public:
  explicit SharedMemory(const Program& program);

  // Views of memory that a later node writes into, and what such a write returns.
  const std::set<Slot>& written_views() const { return written_views_; }
  // Whether node number `first` or a later one writes into the memory of a value.
  bool is_written_from(Slot slot, std::size_t first) const;

 private:
  Slot root_of(Slot slot) const;

  std::set<Slot> written_views_;
  std::unordered_map<Slot, Slot> roots_;              // of what shares a value's memory: that value
  std::unordered_map<Slot, std::size_t> last_write_;  // into the memory of a root: the last node that does
};

}  // namespace gradquake::model::exported

// What a plan's memory holds. Internal to hooks/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/memory_cell.h"

namespace gradquake {

struct Memory::State {
  struct Asked {  // by a rule
    std::string label;
    std::optional<MemoryNeed> need = {};
    MemoryPer per = MemoryPer::kTensor;  // need's, resolved
  };
  using Key = std::tuple<std::size_t, std::string, Direction, std::uint32_t>;  // of an address

  std::vector<Asked> rules;  // set once

  mutable std::mutex mutex;  // guards what follows
  std::map<Key, detail::MemoryCell> cells;

  double bytes(std::size_t rule) const;  // the mutex is held
};

}  // namespace gradquake

#include "gradquake/hooks/sites/site.h"

#include <functional>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace gradquake {
namespace {

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
};

struct NameTable {
  std::shared_mutex mutex;
  std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>> ids;  // its keys never move
};

// Never destroyed: a Site of static storage may outlive every other static object.
NameTable& names() {
  static auto* const table = new NameTable;
  return *table;
}

std::pair<const std::string*, std::size_t> intern(std::string_view name) {
  if (name.empty()) throw std::invalid_argument("[hooks] expected a site name, got an empty one");
  NameTable& table = names();
  {
    const std::shared_lock lock(table.mutex);
    if (const auto known = table.ids.find(name); known != table.ids.end()) return {&known->first, known->second};
  }
  const std::unique_lock lock(table.mutex);
  const auto entry = table.ids.try_emplace(std::string(name), table.ids.size()).first;
  return {&entry->first, entry->second};
}

}  // namespace

Site::Site(std::string_view name) { std::tie(name_, id_) = intern(name); }

}  // namespace gradquake

#include "gradquake/hooks/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gradquake::detail {
namespace {

// Levenshtein's distance, one row of the table at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_names(std::string_view word, const std::vector<std::string>& known, std::size_t count) {
  std::vector<std::pair<std::size_t, std::size_t>> ranked;  // distance, position
  for (std::size_t i = 0; i < known.size(); ++i) {
    ranked.emplace_back(edit_distance(word, known[i]), i);
  }
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min(count, ranked.size()));
  std::string list;
  for (const auto& [distance, i] : ranked) {
    list += (list.empty() ? "'" : ", '") + known[i] + "'";
  }
  return list.empty() ? "(none)" : list;
}

}  // namespace gradquake::detail

#include "gradquake/hooks/nearest.h"

#include <algorithm>
#include <utility>

namespace gradquake::detail {
namespace {

std::string folded(std::string_view name) {
  std::string result(name.substr(0, 64));
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = last;
    last = row;
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

// The first letters of a name's words: "lr" of "learning_rate".
std::string initials(const std::string& name) {
  std::string letters;
  bool starts = true;
  for (const char c : name) {
    if (starts && c != '_') letters += c;
    starts = c == '_';
  }
  return letters;
}

std::size_t distance(const std::string& word, const std::string& known) {
  const bool abbreviates = word.size() > 1 && (initials(known) == word || known.starts_with(word));
  const std::size_t edits = edit_distance(word, known);
  return abbreviates ? std::min<std::size_t>(edits, 2) : edits;
}

std::vector<std::size_t> ranked(std::string_view word, const std::vector<std::string>& known) {
  const std::string wanted = folded(word);
  std::vector<std::pair<std::size_t, std::size_t>> order;  // distance, position
  for (std::size_t i = 0; i < known.size(); ++i) order.emplace_back(distance(wanted, folded(known[i])), i);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> positions;
  for (const auto& [unused, position] : order) positions.push_back(position);
  return positions;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  return known.empty() ? "" : known[ranked(word, known).front()];
}

std::string nearest_names(std::string_view word, const std::vector<std::string>& known, std::size_t count) {
  std::vector<std::size_t> order = ranked(word, known);
  order.resize(std::min(count, order.size()));
  std::string list;
  for (const std::size_t i : order) list += (list.empty() ? "'" : ", '") + known[i] + "'";
  return list.empty() ? "(none)" : list;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace gradquake::detail

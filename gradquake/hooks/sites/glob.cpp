#include "gradquake/hooks/sites/glob.h"

#include <cstddef>
#include <stdexcept>
#include <string>

namespace gradquake {
namespace {

[[noreturn]] void malformed(std::string_view pattern, const char* why) {
  throw std::invalid_argument("[hooks] expected a glob such as layers.[12]* ; got '" + std::string(pattern) + "', " +
                              why);
}

// The length of the set that starts at pattern[open] == '[', brackets included. A `]` that comes first is a member.
std::size_t set_length(std::string_view pattern, std::size_t open) {
  std::size_t i = open + 1;
  if (i < pattern.size() && pattern[i] == '!') ++i;
  const std::size_t close = pattern.find(']', i + 1);
  if (i < pattern.size() && pattern[i] == ']' && close == std::string_view::npos) malformed(pattern, "an empty set");
  if (close == std::string_view::npos) malformed(pattern, "a set without its ]");
  return close - open + 1;
}

// `set` with its brackets.
bool set_contains(std::string_view set, char c) {
  const bool negated = set[1] == '!';
  const auto byte = static_cast<unsigned char>(c);
  bool found = false;
  for (std::size_t i = negated ? 2 : 1; i + 1 < set.size(); ++i) {
    const auto low = static_cast<unsigned char>(set[i]);
    if (i + 3 < set.size() && set[i + 1] == '-') {
      found |= low <= byte && byte <= static_cast<unsigned char>(set[i + 2]);
      i += 2;
    } else {
      found |= low == byte;
    }
  }
  return found != negated;
}

void check(std::string_view pattern) {
  if (pattern.empty()) malformed(pattern, "which is empty");
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '[') continue;
    const std::string_view set = pattern.substr(i, set_length(pattern, i));
    for (std::size_t j = set[1] == '!' ? 2 : 1; j + 3 < set.size(); ++j) {
      if (set[j + 1] != '-') continue;
      if (static_cast<unsigned char>(set[j]) > static_cast<unsigned char>(set[j + 2])) {
        malformed(pattern, "a range that runs backwards");
      }
      j += 2;
    }
    i += set.size() - 1;
  }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view name) {
  check(pattern);
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t p = 0, n = 0, star = kNone, star_name = 0;
  while (true) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    if (n == name.size()) return p == pattern.size();
    const std::size_t width = p < pattern.size() && pattern[p] == '[' ? set_length(pattern, p) : 1;
    const bool matches = p < pattern.size() && (width > 1           ? set_contains(pattern.substr(p, width), name[n])
                                                : pattern[p] == '?' ? true
                                                                    : pattern[p] == name[n]);
    if (matches) {
      p += width;
      ++n;
    } else if (star != kNone) {  // only the last star needs to give back: an earlier one cannot help where it failed
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
}

bool is_plain_name(std::string_view pattern) { return pattern.find_first_of("*?[") == std::string_view::npos; }

}  // namespace gradquake

#include "gradquake/hooks/sites/glob.h"

#include <fnmatch.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "gradquake/hooks/sites/beneath.h"

namespace gradquake {
namespace {

[[noreturn]] void malformed(std::string_view pattern, const char* why) {
  throw std::invalid_argument("[hooks] expected a glob such as layers.[12]* ; got '" + std::string(pattern) + "', " +
                              why);
}

// Appends the set that starts at pattern[open] == '[' and returns the index of its `]`. fnmatch knows more than the
// documented sets ([^a], [[:alpha:]], and what it does with an open set): with every member escaped it does not.
std::size_t append_set(std::string& posix, std::string_view pattern, std::size_t open) {
  std::size_t i = open + 1;
  posix += '[';
  if (i < pattern.size() && pattern[i] == '!') posix += pattern[i++];
  const std::size_t close = pattern.find(']', i + 1);  // a `]` that comes first is a member
  if (close == std::string_view::npos)
    malformed(pattern, i < pattern.size() && pattern[i] == ']' ? "an empty set" : "a set without its ]");
  const auto member = [&] { (posix += '\\') += pattern[i++]; };
  while (i < close) {
    const auto low = static_cast<unsigned char>(pattern[i]);
    member();
    if (i + 1 >= close || pattern[i] != '-') continue;
    posix += pattern[i++];
    if (low > static_cast<unsigned char>(pattern[i])) malformed(pattern, "a range that runs backwards");
    member();
  }
  posix += ']';
  return close;
}

std::string posix_pattern(std::string_view pattern) {
  if (pattern.empty()) malformed(pattern, "which is empty");
  std::string posix;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '[') {
      i = append_set(posix, pattern, i);
    } else {
      if (pattern[i] == '\\') posix += '\\';
      posix += pattern[i];
    }
  }
  return posix;
}

}  // namespace

Glob::Glob(std::string pattern) : pattern_(std::move(pattern)), posix_(posix_pattern(pattern_)) {}

bool Glob::matches(std::string_view name) const {
  return asks_for(pattern_, name) && fnmatch(posix_.c_str(), std::string(name).c_str(), 0) == 0;
}

bool glob_matches(std::string_view pattern, std::string_view name) { return Glob(std::string(pattern)).matches(name); }

bool is_plain_name(std::string_view pattern) { return pattern.find_first_of("*?[") == std::string_view::npos; }

std::string literal_glob(std::string_view name) {
  std::string glob;
  for (const char c : name) glob += c == '*' || c == '?' || c == '[' ? std::string("[") + c + ']' : std::string(1, c);
  return glob;
}

}  // namespace gradquake

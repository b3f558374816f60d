// Shell patterns for site names, matched by POSIX fnmatch. `*` matches any characters, dots and slashes included, or
// none; `?` one character; `[abc]`, `[a-c]` and `[!abc]` one character of, or not of, a set. Everything else stands for
// itself. The whole name must match. What lies beneath a module ("conv:aten.relu", "conv:input") is matched only by
// patterns that ask for it (beneath.h), so that `*` means modules.
//
//   glob_matches("layers.[12]", "layers.2")   true        glob_matches("layers.*", "layers.0.norm")   true
//
// A pattern that can match nothing sensible (an open or empty set, a range that runs backwards) throws
// std::invalid_argument. To ask for a literal `*`, `?` or `[`, put it into a set: `[*]`.
#pragma once

#include <string>
#include <string_view>

#include "gradquake/hooks/export.h"

namespace gradquake {

// A pattern to be held against many names.
class GRADQUAKE_EXPORT Glob {
 public:
  explicit Glob(std::string pattern);
  bool matches(std::string_view name) const;

 private:
  std::string pattern_;
  std::string posix_;  // the same in the words of fnmatch(3)
};

// The same for one name.
GRADQUAKE_EXPORT bool glob_matches(std::string_view pattern, std::string_view name);

// True where the pattern has no wildcard, so that it can name one site only.
GRADQUAKE_EXPORT bool is_plain_name(std::string_view pattern);

// The name as a pattern that matches nothing else.
GRADQUAKE_EXPORT std::string literal_glob(std::string_view name);

}  // namespace gradquake

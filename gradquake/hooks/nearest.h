// "Did you mean": the known words nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::detail {

// The nearest of `known`, the first of equals; "" where none is known. Distance: letters to insert, delete or replace
// and neighbours to swap (Damerau; case ignored, the first 64 bytes count); a word that abbreviates a known one (`lr`:
// the initials of learning_rate; `rel`: its beginning) is at distance 2 at most.
GRADQUAKE_EXPORT std::string nearest(std::string_view word, const std::vector<std::string>& known);

// At most `count` of `known`, nearest first (ties in the given order), as "'fc1', 'fc2'"; "(none)" without any.
GRADQUAKE_EXPORT std::string nearest_names(std::string_view word, const std::vector<std::string>& known,
                                           std::size_t count);

// "a, b, c"
GRADQUAKE_EXPORT std::string joined(const std::vector<std::string>& names);

}  // namespace gradquake::detail

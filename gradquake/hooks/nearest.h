// "Did you mean": the known words nearest to a mistyped one, by the number of letters to insert, delete or replace.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::detail {

// At most `count` of `known`, nearest first (ties in the given order), as "'fc1', 'fc2'"; "(none)" without any.
GRADQUAKE_EXPORT std::string nearest_names(std::string_view word, const std::vector<std::string>& known,
                                           std::size_t count);

}  // namespace gradquake::detail

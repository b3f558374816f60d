// Names of the sites that lie beneath a module or an operator. A glob matches the first kind only if it has a colon,
// the second only if it has `:input` in it, the third `:saved`: so that `*` means modules, and `*:aten.*` operators.
//
//   features.3.conv:aten.conv2d   the output of an operator within a module (models that were exported)
//   features.3.conv:input         the tensor that it reads; `:input.1` the second of several
//   features.3.conv:saved.0       the first tensor that it keeps for the backward pass (operator_tap.h)
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gradquake/hooks/export.h"

namespace gradquake {

// `which` of the `count` tensors that `owner` reads.
GRADQUAKE_EXPORT std::string input_name(std::string_view owner, std::size_t which, std::size_t count);
GRADQUAKE_EXPORT std::string saved_name(std::string_view owner, std::size_t which);

// True for all of the names above; not for "query: 2".
GRADQUAKE_EXPORT bool lies_beneath(std::string_view name);

// True for the last of them: a tensor that the backward pass alone reads.
GRADQUAKE_EXPORT bool is_saved_name(std::string_view name);

// Whether a glob can match the name as far as its colons go.
GRADQUAKE_EXPORT bool asks_for(std::string_view pattern, std::string_view name);

// Whether a glob asks for what operators read or keep.
GRADQUAKE_EXPORT bool asks_for_inputs_or_saved(std::string_view pattern);

}  // namespace gradquake

// Refusals of constants that no theorem can use. Each throws UserError naming the constant, what was expected and what
// came, so that a bad constant never turns into a number that looks like a guarantee.
#pragma once

#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake::theory {

// Finite and > 0, finite and >= 0.
GRADQUAKE_EXPORT void require_positive(const std::string& name, double value);
GRADQUAKE_EXPORT void require_nonnegative(const std::string& name, double value);

// `holds` is the requirement; `expected` and `got` make the message "expected ..., got ...".
GRADQUAKE_EXPORT void require(bool holds, const std::string& expected, const std::string& got);

// A short decimal form for messages: 6 significant digits.
GRADQUAKE_EXPORT std::string number(double value);

}  // namespace gradquake::theory

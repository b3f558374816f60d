// The two ways to fail that are not results.
//
// UserError: the caller's mistake. One line that names what was expected and what came; the program prints it and exits
// with status 2, having written nothing. Anything else that escapes is an internal error (status 1).
// Divergence, NaN and "did not recover" are results and never errors.
#pragma once

#include <stdexcept>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake {

class GRADQUAKE_EXPORT UserError : public std::invalid_argument {
 public:
  // `component`: who complains, e.g. "data"; `message`: "expected ..., got ...". what() is "[component] message".
  UserError(const std::string& component, const std::string& message);
  ~UserError() override;
};

}  // namespace gradquake

// The ways to fail that are not results.
//
// UserError: the caller's mistake. One line that names what was expected and what came; the program prints it and exits
// with status 2, having written nothing. DiskError: a file could not be written, the disk being full or the folder
// gone; one line that says what to do, status 1. Anything else that escapes is an internal error (status 1).
// Divergence, NaN and "did not recover" are results and never errors.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include "gradquake/hooks/export.h"

namespace gradquake {

class GRADQUAKE_EXPORT UserError : public std::invalid_argument {
 public:
  // `component`: who complains, e.g. "data"; `message`: "expected ..., got ...". what() is "[component] message".
  UserError(const std::string& component, const std::string& message);
  ~UserError() override;
};

class GRADQUAKE_EXPORT DiskError : public std::runtime_error {
 public:
  // what() is "[component] cannot ACTION PATH: REASON; ADVICE", e.g. action "write".
  DiskError(const std::string& component, const std::string& action, const std::filesystem::path& path,
            std::error_code reason);
  ~DiskError() override;

  std::error_code reason() const { return reason_; }

 private:
  std::error_code reason_;
};

// The disk is full, or a quota is used up.
GRADQUAKE_EXPORT bool is_full(std::error_code reason);

}  // namespace gradquake

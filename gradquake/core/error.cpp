#include "gradquake/core/error.h"

#include <cerrno>

namespace gradquake {
namespace {

std::string advice(std::error_code reason) {
  if (is_full(reason)) return "free space there";
  if (reason == std::errc::no_such_file_or_directory || reason.value() == ESTALE)
    return "its folder was moved or deleted while the program ran";
  if (reason == std::errc::permission_denied || reason == std::errc::read_only_file_system) return "make it writable";
  return "see to that disk";
}

}  // namespace

UserError::UserError(const std::string& component, const std::string& message)
    : std::invalid_argument("[" + component + "] " + message) {}

// Defined here so that the type has one home and can be caught across library boundaries.
UserError::~UserError() = default;

DiskError::DiskError(const std::string& component, const std::string& action, const std::filesystem::path& path,
                     std::error_code reason)
    : std::runtime_error("[" + component + "] cannot " + action + " " + path.string() + ": " + reason.message() + "; " +
                         advice(reason)),
      reason_(reason) {}

DiskError::~DiskError() = default;

bool is_full(std::error_code reason) {
  return reason == std::errc::no_space_on_device || reason.value() == EDQUOT || reason == std::errc::file_too_large;
}

}  // namespace gradquake

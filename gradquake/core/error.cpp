#include "gradquake/core/error.h"

namespace gradquake {

UserError::UserError(const std::string& component, const std::string& message)
    : std::invalid_argument("[" + component + "] " + message) {}

// Defined here so that the type has one home and can be caught across library boundaries.
UserError::~UserError() = default;

}  // namespace gradquake

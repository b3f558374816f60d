// What is known of the unperturbed model at a step: its gradient norm n = ||u + r|| and its loss.
//
// The clean norm is known where a shadow ran or no rule fired, the clean loss where a shadow ran or no forward rule
// fired. Non-finite values are not known.
#pragma once

#include <optional>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::monitor {

GRADQUAKE_EXPORT std::optional<double> known_norm(const StepRecord& record);
GRADQUAKE_EXPORT std::optional<double> known_loss(const StepRecord& record);

}  // namespace gradquake::monitor

// Where the dropout of this thread stands. Internal to hooks/.
#pragma once

#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/tap_layer.h"

namespace gradquake::detail {

struct DropoutState {
  DropoutContext context;
  OccurrenceCounter occurrences;
};

// The innermost DropoutScope of this thread; null: none.
extern constinit thread_local DropoutState* dropout_state;

}  // namespace gradquake::detail

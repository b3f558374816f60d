// What a tap reports to: nothing (idle), an active plan, a replay of one, or a recorder of sites. One pointer per
// thread, defined in active.cpp and exported, so that a program, its plug-ins and the library share it. It is never
// inline: every shared library would get a copy of its own.
#pragma once

#include <cstdint>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/sites/site.h"

namespace at {
class Tensor;
}

namespace gradquake::detail {

class GRADQUAKE_EXPORT TapObserver {
 public:
  virtual ~TapObserver();
  // Sees the tensor at a site and returns what its consumers shall see.
  virtual at::Tensor on_tap(const Site& site, at::Tensor tensor, std::int64_t batch_dim) = 0;
};

// The innermost scope of this thread; null: every tap is idle.
GRADQUAKE_EXPORT extern constinit thread_local TapObserver* active_observer;

}  // namespace gradquake::detail

#include "gradquake/hooks/active.h"

namespace gradquake::detail {

constinit thread_local TapObserver* active_observer = nullptr;

TapObserver::~TapObserver() = default;

}  // namespace gradquake::detail

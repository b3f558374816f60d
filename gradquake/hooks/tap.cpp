#include "gradquake/hooks/tap.h"

namespace gradquake::detail {

at::Tensor tap_active(std::string_view name, at::Tensor tensor, std::int64_t batch_dim) {
  return active_observer->on_tap(Site(name), std::move(tensor), batch_dim);
}

at::Tensor tap_active(const Site& site, at::Tensor tensor, std::int64_t batch_dim) {
  return active_observer->on_tap(site, std::move(tensor), batch_dim);
}

}  // namespace gradquake::detail

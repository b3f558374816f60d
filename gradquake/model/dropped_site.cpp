#include "gradquake/model/dropped_site.h"

#include <utility>

#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::model {

at::Tensor DroppedSite::operator()(at::Tensor y, bool training) const {
  if (training && probability > 0) y = dropout(site, y, probability);
  return tap(site, std::move(y));
}

}  // namespace gradquake::model

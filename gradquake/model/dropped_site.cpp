#include "gradquake/model/dropped_site.h"

#include "gradquake/hooks/dropout.h"

namespace gradquake::model {

at::Tensor DroppedSite::dropped(const at::Tensor& y, bool training) const {
  return training && probability > 0 ? dropout(site, y, probability) : y;
}

}  // namespace gradquake::model

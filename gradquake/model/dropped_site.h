// A site with dropout before it while its module trains, the mask addressed by the site (hooks/dropout.h).
#pragma once

#include <ATen/core/Tensor.h>

#include "gradquake/hooks/sites/site.h"

namespace gradquake::model {

struct DroppedSite {
  at::Tensor operator()(at::Tensor y, bool training) const;

  Site site;
  double probability;
};

}  // namespace gradquake::model

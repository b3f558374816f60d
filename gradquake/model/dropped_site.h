// An operator with dropout behind it while its module trains, the mask addressed by the site (hooks/dropout.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/sites/site.h"

namespace gradquake::model {

struct DroppedSite {
  // dropout(f(input)) with the sites of an operator (tap_operator). `owner`: the module that f uses.
  template <typename Function>
  at::Tensor operator()(const torch::nn::Module& owner, const at::Tensor& input, bool training, Function f) const {
    return tap_operator(site, owner, input, [&](const at::Tensor& x) { return dropped(f(x), training); });
  }

  Site site;
  double probability;

 private:
  at::Tensor dropped(const at::Tensor& y, bool training) const;
};

}  // namespace gradquake::model

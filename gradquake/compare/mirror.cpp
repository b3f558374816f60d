#include "gradquake/compare/mirror.h"

#include <ATen/ATen.h>

#include "gradquake/hooks/sites/beneath.h"

namespace gradquake::compare {

Observer Mirror::outside() {
  return {.on_forward = [this](const TapPoint& at, const at::Tensor& y) { return keep(tensors_, at, y); },
          .on_backward = [this](const TapPoint& at, const at::Tensor& v) { return mirrored(gradients_, at, v); },
          .beneath = lies_beneath(site_)};
}

Observer Mirror::inside() {
  return {.on_forward = [this](const TapPoint& at, const at::Tensor& y) { return mirrored(tensors_, at, y); },
          .on_backward = [this](const TapPoint& at, const at::Tensor& v) { return keep(gradients_, at, v); },
          .beneath = lies_beneath(site_)};
}

at::Tensor Mirror::keep(Kept& kept, const TapPoint& at, const at::Tensor& before) const {
  if (at.site.name() == site_) kept[at.occurrence] = before.detach();
  return {};
}

at::Tensor Mirror::mirrored(Kept& kept, const TapPoint& at, const at::Tensor& behind) const {
  const auto found = at.site.name() == site_ ? kept.find(at.occurrence) : kept.end();
  if (found == kept.end()) return {};
  const at::Tensor before = std::move(found->second);
  kept.erase(found);
  if (at::equal(before, behind)) return {};
  return behind + 2 * (before - behind.detach());  // backward sees the plan's own tap
}

}  // namespace gradquake::compare

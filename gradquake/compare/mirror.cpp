#include "gradquake/compare/mirror.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "gradquake/hooks/sites/beneath.h"

namespace gradquake::compare {

Mirror::Mirror(std::set<std::string> sites, Direction direction)
    : sites_(std::move(sites)),
      direction_(direction),
      beneath_(std::any_of(sites_.begin(), sites_.end(), [](const std::string& site) { return lies_beneath(site); })) {}

Observer Mirror::outside() {
  Observer observer{.on_forward = [this](const TapPoint& at, const at::Tensor& y) { return keep(tensors_, at, y); },
                    .beneath = beneath_};
  if (direction_ != Direction::kForward)
    observer.on_backward = [this](const TapPoint& at, const at::Tensor& v) { return mirrored(gradients_, at, v); };
  return observer;
}

Observer Mirror::inside() {
  Observer observer{.on_forward = [this](const TapPoint& at, const at::Tensor& y) { return mirrored(tensors_, at, y); },
                    .beneath = beneath_};
  if (direction_ != Direction::kForward)
    observer.on_backward = [this](const TapPoint& at, const at::Tensor& v) { return keep(gradients_, at, v); };
  return observer;
}

at::Tensor Mirror::keep(Kept& kept, const TapPoint& at, const at::Tensor& before) const {
  if (sites_.contains(at.site.name())) kept[{at.site.name(), at.occurrence}] = before.detach();
  return {};
}

at::Tensor Mirror::mirrored(Kept& kept, const TapPoint& at, const at::Tensor& behind) const {
  const auto found = kept.find({at.site.name(), at.occurrence});
  if (found == kept.end()) return {};
  const at::Tensor before = std::move(found->second);
  kept.erase(found);
  if (at::equal(before, behind)) return {};
  return behind + 2 * (before - behind.detach());  // backward sees the plan's own tap
}

}  // namespace gradquake::compare

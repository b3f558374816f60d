#include "gradquake/compare/mirror.h"

#include <ATen/ATen.h>

namespace gradquake::compare {

Mirror::Outside::Outside(Mirror& mirror)
    : scope_({.on_forward =
                  [&mirror](const TapPoint& at, const at::Tensor& y) {
                    mirror.keep(mirror.tensors_, at, y);
                    return at::Tensor();
                  },
              .on_backward =
                  [&mirror](const TapPoint& at, const at::Tensor& perturbed) {
                    return mirror.mirrored(mirror.gradients_, at, perturbed);
                  },
              .beneath = true}) {}

Mirror::Inside::Inside(Mirror& mirror)
    : scope_({.on_forward =
                  [&mirror](const TapPoint& at, const at::Tensor& perturbed) {
                    return mirror.mirrored(mirror.tensors_, at, perturbed);
                  },
              .on_backward =
                  [&mirror](const TapPoint& at, const at::Tensor& v) {
                    mirror.keep(mirror.gradients_, at, v);
                    return at::Tensor();
                  },
              .beneath = true}) {}

void Mirror::keep(std::map<Key, at::Tensor>& kept, const TapPoint& at, const at::Tensor& tensor) const {
  if (on_) kept[{at.site.name(), at.occurrence}] = tensor.detach();
}

at::Tensor Mirror::mirrored(std::map<Key, at::Tensor>& kept, const TapPoint& at, const at::Tensor& tensor) const {
  const auto found = kept.find({at.site.name(), at.occurrence});
  if (!on_ || found == kept.end()) return {};
  const at::Tensor before = found->second;
  kept.erase(found);
  if (at::equal(before, tensor)) return {};
  return tensor + 2 * (before - tensor.detach());  // backward sees the plan's own tap
}

}  // namespace gradquake::compare

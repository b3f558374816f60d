#include "gradquake/hooks/sites/site_recorder.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "gradquake/hooks/sites/beneath.h"

namespace gradquake {
namespace {

std::string dtype_name(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kLong:
      return "int64";
    case at::kInt:
      return "int32";
    default: {
      std::string name = c10::toString(type);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      return name;
    }
  }
}

}  // namespace

SiteRecorder::SiteRecorder()
    : scope_({.on_forward =
                  [this](const TapPoint& at, const at::Tensor& tensor) {
                    record(at.site, tensor);
                    return at::Tensor();
                  },
              .beneath = true}) {}

SiteRecorder::~SiteRecorder() = default;

void SiteRecorder::record(const Site& site, const at::Tensor& tensor) {
  const auto [known, is_new] = positions_.try_emplace(site.id(), sites_.size());
  if (is_new)
    sites_.push_back({site.name(), tensor.sizes().vec(), dtype_name(tensor.scalar_type()), 0, tensor.requires_grad()});
  ++sites_[known->second].occurrences;
}

std::vector<std::string> names_of(const std::vector<SiteInfo>& sites) {
  std::vector<std::string> names;
  for (const SiteInfo& site : sites) names.push_back(site.name);
  return names;
}

std::vector<std::string> SiteRecorder::names() const { return names_of(sites_); }

std::vector<std::string> SiteRecorder::boundaries() const {
  std::vector<std::string> boundaries = names();
  std::erase_if(boundaries, lies_beneath);
  return boundaries;
}

}  // namespace gradquake

#include "gradquake/hooks/sites/site_recorder.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <utility>

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

class SiteRecorder::Observer : public detail::TapObserver {
 public:
  at::Tensor on_tap(const Site& site, at::Tensor tensor, std::int64_t) override {
    const auto [known, is_new] = positions_.try_emplace(site.id(), sites.size());
    if (is_new) {
      sites.push_back({site.name(), tensor.sizes().vec(), dtype_name(tensor.scalar_type()), 0, tensor.requires_grad()});
    }
    ++sites[known->second].occurrences;
    return tensor;
  }

  std::vector<SiteInfo> sites;

 private:
  std::unordered_map<std::size_t, std::size_t> positions_;
};

SiteRecorder::SiteRecorder() : observer_(std::make_unique<Observer>()), outer_(detail::active_observer) {
  detail::active_observer = observer_.get();
}

SiteRecorder::~SiteRecorder() { detail::active_observer = outer_; }

const std::vector<SiteInfo>& SiteRecorder::sites() const { return observer_->sites; }

std::vector<std::string> SiteRecorder::names() const {
  std::vector<std::string> names;
  for (const SiteInfo& site : sites()) {
    names.push_back(site.name);
  }
  return names;
}

}  // namespace gradquake

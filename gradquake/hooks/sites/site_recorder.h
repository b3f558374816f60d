// A dry run: which sites a model has. While a recorder lives, the taps of its thread are recorded and nothing is
// perturbed, whatever scope lies outside.
//
//   gradquake::SiteRecorder recorder;
//   model.forward(batch);
//   for (const auto& site : recorder.sites()) { ... }
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/plan_scope.h"

namespace gradquake {

struct SiteInfo {
  std::string name;
  std::vector<std::int64_t> shape;  // at its first occurrence
  std::string dtype;                // "float32", "float64", "bfloat16", ...
  std::int64_t occurrences = 0;     // taps of this name: 2 for a module used twice
  bool requires_grad = false;       // whether a backward perturbation could reach it, at its first occurrence
};

GRADQUAKE_EXPORT std::vector<std::string> names_of(const std::vector<SiteInfo>& sites);

class GRADQUAKE_EXPORT SiteRecorder {
 public:
  SiteRecorder();
  ~SiteRecorder();
  SiteRecorder(const SiteRecorder&) = delete;
  SiteRecorder& operator=(const SiteRecorder&) = delete;

  const std::vector<SiteInfo>& sites() const { return sites_; }  // in order of first call
  std::vector<std::string> names() const;                        // the same, names only: what Plan takes
  std::vector<std::string> boundaries() const;                   // those that do not lie beneath another (beneath.h)

 private:
  void record(const Site& site, const at::Tensor& tensor);

  std::vector<SiteInfo> sites_;
  std::unordered_map<std::size_t, std::size_t> positions_;  // by id of the site
  PlanPause nothing_outside_;
  ObserverScope scope_;
};

}  // namespace gradquake

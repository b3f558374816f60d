// The other half of a pair of draws: under a plan the sites get y - delta where the plan would have given y + delta,
// and gradients v - eps.
//
//   const Mirror::Outside outside(mirror);
//   const PlanScope scope(plan, ...);
//   const Mirror::Inside inside(mirror);
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>

#include "gradquake/hooks/observe.h"

namespace gradquake::compare {

class Mirror {
 public:
  // `on`: else both do nothing.
  explicit Mirror(bool on) : on_(on) {}

  // What stands outside of a plan sees y before it forward, and v + eps behind it backward; what stands inside the
  // rest.
  class Outside {
   public:
    explicit Outside(Mirror& mirror);

   private:
    ObserverScope scope_;
  };
  class Inside {
   public:
    explicit Inside(Mirror& mirror);

   private:
    ObserverScope scope_;
  };

 private:
  using Key = std::pair<std::string, std::int64_t>;  // site and occurrence
  void keep(std::map<Key, at::Tensor>& kept, const TapPoint& at, const at::Tensor& tensor) const;
  at::Tensor mirrored(std::map<Key, at::Tensor>& kept, const TapPoint& at, const at::Tensor& tensor) const;

  bool on_;
  std::map<Key, at::Tensor> tensors_, gradients_;
};

}  // namespace gradquake::compare

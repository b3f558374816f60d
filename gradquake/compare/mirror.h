// The other half of a pair of draws: under a plan the consumers of its sites see y - delta where the plan would have
// given y + delta, and its producer v - eps.
//
//   Mirror mirror({"layers.1"}, Direction::kBoth);
//   const ObserverScope outside(mirror.outside());   // sees y before the plan, and v + eps behind it
//   const PlanScope scope(plan, ...);
//   const ObserverScope inside(mirror.inside());     // sees y + delta behind the plan, and v before it
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/rule.h"

namespace gradquake::compare {

class Mirror {
 public:
  // `direction`: of the plan's rules; in kForward gradients are not looked at.
  Mirror(std::set<std::string> sites, Direction direction);

  // They refer to this, which outlives their scopes.
  Observer outside();
  Observer inside();

 private:
  using Kept = std::map<std::pair<std::string, std::int64_t>, at::Tensor>;  // before the plan, by site and occurrence
  at::Tensor keep(Kept& kept, const TapPoint& at, const at::Tensor& before) const;
  at::Tensor mirrored(Kept& kept, const TapPoint& at, const at::Tensor& behind) const;

  std::set<std::string> sites_;
  Direction direction_;
  bool beneath_;
  Kept tensors_, gradients_;
};

}  // namespace gradquake::compare

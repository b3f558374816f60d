// A rule reaches a tap in this program's own code, and nothing else does.
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gradquake/hooks/plan.h>
#include <gradquake/hooks/plan_scope.h>
#include <gradquake/hooks/tap.h>

#include <cstdio>

int main() {
  gradquake::Plan plan({{.label = "shift", .sites = "x", .perturbation = {"constant", {{"scale", 2.0}}}}}, {});
  const at::Tensor ones = at::ones({4, 3});
  if (!at::equal(gradquake::tap("x", ones), ones)) return 1;  // no scope: untouched
  const gradquake::PlanScope scope(plan, {.step = 0, .rows = 4});
  const at::Tensor shifted = gradquake::tap("x", ones);
  std::printf("1 became %g\n", shifted.flatten()[0].item<double>());
  return at::equal(shifted, ones.mul(3)) ? 0 : 2;
}

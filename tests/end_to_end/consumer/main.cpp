#include <ATen/ATen.h>
#include <gradquake/hooks/plan.h>
#include <gradquake/hooks/plan_scope.h>
#include <gradquake/hooks/tap.h>

int main() {
  gradquake::Plan plan({{.label = "shift", .sites = "x", .perturbation = {"constant", {{"scale", 2.0}}}}}, {});
  const at::Tensor ones = at::ones({4, 3});
  if (!at::equal(gradquake::tap("x", ones), ones)) return 1;  // no scope: untouched
  const gradquake::PlanScope scope(plan, {.step = 0, .rows = 4});
  return at::equal(gradquake::tap("x", ones), 3 * ones) ? 0 : 2;
}

#include "gradquake/hooks/sites/site_recorder.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "gradquake/hooks/plan.h"
#include "helpers.h"

namespace gradquake {
namespace {

using test::forward_rule;
using torch::Tensor;

TEST(SiteRecorderTest, RecordsSitesInOrderOfFirstCallAndPerturbsNothing) {
  Plan plan({forward_rule("*")}, {});
  PlanScope scope(plan, {});
  SiteRecorder recorder;
  const Tensor y = torch::ones({2, 3}, torch::kBFloat16);
  EXPECT_TRUE(tap("b", y).is_same(y));
  tap("a", torch::ones({4}, torch::kFloat64).requires_grad_());
  tap("b", torch::ones({9}));
  ASSERT_EQ(recorder.sites().size(), 2U);
  const SiteInfo &b = recorder.sites()[0], &a = recorder.sites()[1];
  EXPECT_EQ(std::tie(b.name, b.dtype, b.occurrences, b.requires_grad), std::make_tuple("b", "bfloat16", 2, false));
  EXPECT_EQ(b.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::tie(a.name, a.dtype, a.occurrences, a.requires_grad), std::make_tuple("a", "float64", 1, true));
  EXPECT_EQ(recorder.names(), (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(plan.ledger().take_entries().empty());
}

}  // namespace
}  // namespace gradquake

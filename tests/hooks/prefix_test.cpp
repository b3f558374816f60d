#include "gradquake/hooks/sites/prefix.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <stdexcept>
#include <vector>

#include "helpers.h"

namespace gradquake {
namespace {

using at::Tensor;

// x -> tanh(x a) -> site "h" -> (h b)^2, and what is asked of it.
class PrefixTest : public testing::Test {
 protected:
  Tensor forward() {
    ++calls_;
    const Tensor h = tap("h", at::tanh(at::mm(x_, a_)));
    return at::mm(h, b_).square().sum();
  }
  std::vector<Tensor> gradient(const Tensor& loss) const {
    return torch::autograd::grad({loss}, {a_, b_}, {}, /*retain_graph=*/true);
  }

  Tensor x_ = test::random({6, 3}, 1);
  Tensor a_ = test::random({3, 4}, 2).requires_grad_();
  Tensor b_ = test::random({4, 2}, 3).requires_grad_();
  int calls_ = 0;
};

TEST_F(PrefixTest, APassThatIsReplayedHasTheBitsOfAWholeOneAndRunsNothingBeforeTheSite) {
  Plan plan({test::forward_rule("h", 0.5)}, {.seed = 7});
  const Prefix prefix(Site("h"), [&] { forward(); });
  EXPECT_EQ(prefix.operators(), 2);
  for (std::uint64_t repeat = 0; repeat < 3; ++repeat) {
    const StepContext context{.rows = 6, .loss_divisor = 1, .repeat = repeat};
    Tensor whole, replayed;
    std::vector<Tensor> of_whole, of_replayed;
    {
      const PlanScope scope(plan, context);
      whole = forward();
      of_whole = gradient(whole);
    }
    {
      const PlanScope scope(plan, context);
      const PrefixReplay replay(prefix);
      replayed = forward();
      of_replayed = gradient(replayed);
    }
    EXPECT_TRUE(at::equal(whole, replayed));
    for (std::size_t i = 0; i < of_whole.size(); ++i) EXPECT_TRUE(at::equal(of_whole[i], of_replayed[i])) << i;
  }
  EXPECT_TRUE(prefix.whole());
  // Nothing of it: with other weights the pass still gives what it gave.
  const Tensor before = forward();
  {
    const at::NoGradGuard no_grad;
    a_.zero_();
  }
  const PrefixReplay replay(prefix);
  EXPECT_TRUE(at::equal(forward(), before));
}

TEST_F(PrefixTest, AnOperatorThatWritesIntoWhatWasRecordedIsNoticed) {
  const auto residual = [&](bool in_place) {
    const Tensor h = at::tanh(at::mm(x_, a_));
    Tensor wide = at::mm(h, b_);
    tap("h", h);
    return (in_place ? wide.add_(1) : wide.add(1)).sum();
  };
  const Prefix kept(Site("h"), [&] { residual(false); });
  EXPECT_TRUE(kept.whole());
  const Prefix written(Site("h"), [&] { residual(true); });
  EXPECT_FALSE(written.whole());
}

TEST_F(PrefixTest, ASiteThatIsNotMetLeavesNothingToGoOnFrom) {
  EXPECT_FALSE(Prefix(Site("other"), [&] { forward(); }).whole());
}

TEST_F(PrefixTest, AnotherOperatorThanBeforeIsAnError) {
  bool other = false;
  const auto fickle = [&] { return tap("h", other ? at::sigmoid(x_) : at::tanh(x_)); };
  const Prefix prefix(Site("h"), [&] { fickle(); });
  other = true;
  const PrefixReplay replay(prefix);
  EXPECT_THROW(fickle(), std::logic_error);
}

}  // namespace
}  // namespace gradquake

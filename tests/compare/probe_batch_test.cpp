#include "gradquake/compare/probe_batch.h"

#include <gtest/gtest.h>

#include <optional>

#include "small_net.h"

namespace gradquake::compare {
namespace {

class ProbeBatchTest : public testing::Test {
 protected:
  ProbeBatchTest() {
    task_ = train::task_of(net_, {});
    task_.data = train::random_splits(64);
    batch_.emplace(task_, task_.data.train->get({0, 1, 2, 3, 4, 5, 6, 7}), 5);
  }

  // Three members at a site, from its opened batch or by whole passes.
  BatchSums sums(const KindSpec& kind, const std::string& site, Direction direction, bool opened) const {
    Rule rule;
    rule.label = site;
    rule.sites = site;
    rule.direction = direction;
    rule.perturbation = kind;
    Plan plan({rule}, {.seed = 3});
    const Chance chance = make_perturbation(perturbations().complete(kind))->chance();
    std::optional<ProbeBatch::Open> open;
    if (opened) {
      open.emplace(*batch_, site, direction);
      EXPECT_TRUE(open->is_cut());
    }
    BatchSums sums;
    for (std::uint64_t repeat = 0; repeat < 3; ++repeat)
      batch_->add_member(plan, chance, {site}, direction, open ? &*open : nullptr, repeat, sums);
    return sums;
  }

  train::SmallNet net_;
  train::Task task_;
  std::optional<ProbeBatch> batch_;
};

TEST_F(ProbeBatchTest, AnOpenedBatchMeasuresWhatWholePassesDo) {
  const KindSpec kinds[] = {KindSpec{"gaussian", {{"scale", 0.3}, {"relative_to", "rms"}}},
                            KindSpec{"gaussian", {{"scale", 0.1}, {"mean", 0.05}}},
                            KindSpec{"uniform", {{"scale", 0.3}, {"draw", "per_step"}}},
                            KindSpec{"round", {{"format", "e4m3fn"}}},
                            KindSpec{"round", {{"format", "int4"}, {"rounding", "stochastic"}}},
                            KindSpec{"zero", {{"share", 0.25}}}};
  for (const KindSpec& kind : kinds) {
    const Chance chance = make_perturbation(perturbations().complete(kind))->chance();
    for (const std::string site : {"fc1", "fc2", "head"}) {
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        const BatchSums whole = sums(kind, site, direction, false), cut = sums(kind, site, direction, true);
        const std::string where = kind.kind + ' ' + site + ' ' + to_text(direction);
        EXPECT_EQ(cut.members, whole.members);
        EXPECT_EQ(cut.draws, whole.draws) << where;
        EXPECT_GT(whole.error, 0) << where;
        // Bit for bit on the way forward; but for rounding on the way back.
        const double tolerance = direction == Direction::kForward ? 0 : 1e-11;
        EXPECT_NEAR(cut.error, whole.error, tolerance * whole.error) << where;
        EXPECT_NEAR(cut.added, whole.added, tolerance * whole.added) << where;
        EXPECT_NEAR(cut.signal, whole.signal, tolerance * whole.signal) << where;
        EXPECT_NEAR(cut.cosine, whole.cosine, tolerance * whole.cosine) << where;
        EXPECT_NEAR(cut.loss, whole.loss, tolerance) << where;
        EXPECT_NEAR(cut.bias_squared(chance), whole.bias_squared(chance), 1e-11 * whole.error) << where;
      }
    }
  }
}

}  // namespace
}  // namespace gradquake::compare

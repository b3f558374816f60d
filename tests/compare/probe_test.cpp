#include "gradquake/compare/probe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/hooks/perturbation.h"
#include "small_net.h"

namespace gradquake::compare {
namespace {

// A tanh network in float64: every operator is smooth.
class ProbeTest : public testing::Test {
 protected:
  ProbeTest() {
    task_ = train::task_of(net_, {});
    task_.data = train::random_splits(64);
    task_.batch_size = 16;
    config_.kinds = {{perturbations().complete("gaussian"), "gaussian", true}};
    config_.relative_sizes = {0.001, 0.003, 0.01};
    config_.probe = {.batches = 4, .least = 8, .most = 8, .width = 0.1};
    config_.screen = {.batches = 4, .least = 64, .most = 64, .width = 1};
    screen_ = screen(task_, config_);
    cells_ = probed().cells;
  }

  Probe probed(std::int64_t jobs = 1) const {
    Work work({}, jobs, {});
    return probe(task_, config_, screen_.sites, "test", work);
  }

  train::SmallNet net_;
  train::Task task_;
  CompareConfig config_;
  Screen screen_;
  std::vector<ProbeCell> cells_;
};

TEST_F(ProbeTest, OnSmoothOperatorsItAgreesWithTheScreenAndTheSquaredErrorGrowsAsTheSquare) {
  ASSERT_EQ(cells_.size(), 18U);
  for (const ProbeCell& cell : cells_) {
    ASSERT_TRUE(cell.kink.has_value()) << cell.site << ' ' << cell.reason;
    EXPECT_NEAR(cell.kink->estimate, 1, 0.3) << cell.site << ' ' << to_text(cell.direction);
    EXPECT_NEAR(cell.exponent->estimate, 2, 0.01) << cell.site;
    EXPECT_NEAR(cell.cosine->estimate, 1, 1e-3) << cell.site;
    EXPECT_NEAR(cell.sqnr_db->estimate, -20 * std::log10(*cell.relative_size), 1) << cell.site;
  }
}

// Noise without a mean has a bias of second order in its size (docs/theory.md 2): squared, of fourth.
TEST_F(ProbeTest, OnSmoothOperatorsTheSquaredBiasGrowsAsTheFourthPower) {
  config_.relative_sizes = {0.05, 0.2};
  config_.probe = {.batches = 8, .least = 64, .most = 64, .width = 0.1};
  config_.one_out = false;
  const std::vector<ProbeCell> cells = probed().cells;
  for (std::size_t i = 0; i < cells.size(); i += 2) {
    if (cells[i].direction == Direction::kBackward) continue;
    const double ratio = cells[i + 1].bias_squared->estimate / cells[i].bias_squared->estimate;
    EXPECT_NEAR(std::log(ratio) / std::log(4), 4, 0.3) << cells[i].site;
  }
}

TEST_F(ProbeTest, WhatGoesBackIsLinearSoPairsOfDrawsLeaveNoBias) {
  for (const ProbeCell& cell : cells_) {
    const double error = std::pow(cell.relative_error->estimate, 2);
    if (cell.direction == Direction::kBackward) {
      EXPECT_LT(std::abs(cell.bias_squared->estimate), 1e-20 * error + 1e-28) << cell.site;
      EXPECT_EQ(cell.loss_change->estimate, 0) << cell.site;
    } else {
      EXPECT_LT(std::abs(cell.bias_squared->estimate), 1e-3 * error) << cell.site;  // of fourth order
    }
  }
}

TEST_F(ProbeTest, ItLeavesTheModelAsItWasAndFindsTheSameAgain) {
  const auto parameters = train::copies(net_.parameters());
  const std::vector<ProbeCell> again = probed().cells;
  EXPECT_TRUE(train::same_bits(net_.parameters(), parameters));
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    EXPECT_EQ(again[i].relative_error->estimate, cells_[i].relative_error->estimate);
    EXPECT_EQ(again[i].bias_squared->estimate, cells_[i].bias_squared->estimate);
  }
}

TEST_F(ProbeTest, AKindWithAMemoryHasNoFiguresAtFixedWeightsAndSaysSo) {
  config_.kinds = {{perturbations().complete("stale"), "stale", false}};
  const Probe blank = probed();
  for (const ProbeCell& cell : blank.cells) {
    EXPECT_FALSE(cell.relative_error || cell.rank || cell.kink) << cell.site;
    EXPECT_EQ(cell.reason, "it has a memory: measured only by the outcome");
  }
  for (const Together& one : blank.together) EXPECT_FALSE(one.all.relative_error || one.squared_error);
}

// Hardsigmoid has no second derivative in LibTorch: the screen says so, and the probe goes on.
TEST_F(ProbeTest, WhatTheScreenCannotSeeIsLeftToTheProbe) {
  task_.forward = [this](const data::Batch& batch) { return at::hardsigmoid(net_.forward(batch.input())); };
  screen_ = screen(task_, config_);
  EXPECT_EQ(screen_.vectors, 0);
  EXPECT_GT(screen_.gradient_norm, 0);
  ASSERT_EQ(screen_.sites.size(), 6U);
  for (const SiteScreen& site : screen_.sites) {
    EXPECT_FALSE(site.gain.has_value());
    EXPECT_NE(site.reason.find("hardsigmoid"), std::string::npos) << site.reason;
  }
  for (const ProbeCell& cell : probed().cells) {
    EXPECT_TRUE(cell.relative_error.has_value()) << cell.reason;
    EXPECT_FALSE(cell.kink.has_value());
  }
}

// At the site next to the loss every gradient is linear in what comes back.
TEST_F(ProbeTest, AGainErrorOfTheLastGradientIsThatOfAllAndAllOfItIsBias) {
  config_.kinds = {{perturbations().complete({"scale", {{"factor", 1.25}}}), "scale", false}};
  for (const ProbeCell& cell : probed().cells) {
    if (cell.site != "head" || cell.direction != Direction::kBackward) continue;
    EXPECT_EQ(cell.repeats, 1);
    EXPECT_FALSE(cell.relative_size.has_value());
    EXPECT_NEAR(cell.relative_error->estimate, 0.25, 1e-12);
    EXPECT_NEAR(cell.bias_squared->estimate, 0.0625, 1e-12);
    EXPECT_NEAR(cell.cosine->estimate, 1, 1e-12);
    EXPECT_NEAR(cell.sqnr_db->estimate, 20 * std::log10(4), 1e-9);
    return;
  }
  FAIL() << "no such cell";
}

// E of what is added is -p times the gradient. The estimate is without bias: its interval holds the truth.
TEST_F(ProbeTest, TheBiasOfLostGradientsIsTheShareOfThem) {
  config_.kinds = {{perturbations().complete({"zero", {{"share", 0.25}}}), "zero", false},
                   {perturbations().complete({"multiplicative", {{"scale", 0.25}}}), "multiplicative", false}};
  config_.probe = {.batches = 8, .least = 64, .most = 64, .width = 0.1};
  for (const ProbeCell& cell : probed().cells) {
    if (cell.site != "head" || cell.direction != Direction::kBackward) continue;
    if (cell.kind == "zero") {
      EXPECT_LT(cell.bias_squared->low, 0.0625);
      EXPECT_GT(cell.bias_squared->high, 0.0625);
      EXPECT_LT(cell.bias_squared->high - cell.bias_squared->low, 0.0625);
    } else {
      EXPECT_LT(std::abs(cell.bias_squared->estimate), 1e-20);  // in pairs
    }
  }
}

TEST_F(ProbeTest, RanksFollowTheErrorsAndIndependentNoiseOnTheWayBackAddsUp) {
  config_.relative_sizes = {0.01};
  config_.probe = {.batches = 8, .least = 32, .most = 32, .width = 0.1};
  const Probe found = probed();
  ASSERT_EQ(found.together.size(), 2U);
  for (const Together& together : found.together) {
    const bool backward = together.all.direction == Direction::kBackward;
    ASSERT_TRUE(together.squared_error.has_value());
    // Exactly 1 in expectation: what comes back enters linearly, and draws of different sites are independent.
    if (backward) {
      EXPECT_LT(together.squared_error->low, 1);
      EXPECT_GT(together.squared_error->high, 1);
      EXPECT_FALSE(together.loss_change.has_value());  // 0 over 0
    }
    double sum = 0;
    for (const ProbeCell& cell : found.cells) {
      if (cell.direction != together.all.direction) continue;
      ASSERT_TRUE(cell.rank.has_value() && cell.one_out.has_value()) << cell.site;
      EXPECT_LE(cell.rank->first, cell.rank->last);
      for (const ProbeCell& other : found.cells) {
        if (other.direction == cell.direction && other.rank->last < cell.rank->first) {
          EXPECT_GT(other.relative_error->estimate, cell.relative_error->estimate) << other.site << ' ' << cell.site;
        }
      }
      // E2(all) - E2(all but one) = E2(one), in expectation.
      const double own = std::pow(cell.relative_error->estimate, 2);
      EXPECT_NEAR(cell.one_out->estimate, own, 0.3 * own + 2 * (cell.one_out->high - cell.one_out->estimate));
      sum += own;
    }
    EXPECT_NEAR(std::pow(together.all.relative_error->estimate, 2) / sum, together.squared_error->estimate, 0.02);
  }
}

TEST_F(ProbeTest, ItDoesNotDependOnTheNumberOfProcessesAndRunsHardlyMoreThanItNeeds) {
  config_.kinds.push_back({perturbations().complete({"round", {{"format", "e4m3fn"}}}), "round", false});
  const Probe one = probed(1), three = probed(3);
  ASSERT_EQ(one.cells.size(), three.cells.size());
  for (std::size_t i = 0; i < one.cells.size(); ++i) {
    EXPECT_EQ(one.cells[i].relative_error->estimate, three.cells[i].relative_error->estimate);
    EXPECT_EQ(one.cells[i].one_out->high, three.cells[i].one_out->high);
  }
  EXPECT_EQ(one.run, three.run);
  EXPECT_EQ(one.needed, three.needed);
  EXPECT_GE(one.run, one.needed);
  EXPECT_LE(static_cast<double>(one.run), 1.1 * static_cast<double>(one.needed));
}

TEST(ComparedKindTest, ItsSizeIsTheRmsOfWhatItAdds) {
  for (const char* name : {"gaussian", "uniform", "rademacher", "laplace", "constant"}) {
    const ComparedKind kind{perturbations().complete(name), name, true};
    const KindSpec at = kind.at(0.1);
    EXPECT_EQ(at.text("relative_to"), "rms");
    EXPECT_NEAR(make_perturbation(at)->moments()->second, 0.01, 1e-15) << name;
  }
  const ComparedKind biased{perturbations().complete({"gaussian", {{"mean", 1.0}}}), "gaussian", true};
  EXPECT_NEAR(biased.at(0.1).number("mean"), biased.at(0.1).number("scale"), 1e-15);
  EXPECT_NEAR(make_perturbation(biased.at(0.1))->moments()->second, 0.01, 1e-15);
}

}  // namespace
}  // namespace gradquake::compare

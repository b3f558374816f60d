#include "gradquake/compare/outcome.h"

#include <gtest/gtest.h>

namespace gradquake::compare {
namespace {

// The O'Brien-Fleming function of Lan and DeMets (1983): hardly anything at first, 5 % at the end.
TEST(OutcomeTest, LooksSpendLittleAtFirstAndAllInTheEnd) {
  EXPECT_NEAR(spent_at(1), 0.05, 1e-12);
  EXPECT_NEAR(spent_at(0.5), 0.00557, 1e-4);
  EXPECT_LT(spent_at(1.0 / 6), 1e-5);
}

TEST(OutcomeTest, ARunSurvivesItsLine) {
  OutcomeRun run{.kind = "round format e4m3fn",
                 .arm = Arm::kBoth,
                 .seed = 18446744073709551615U,
                 .first_loss = 2.3,
                 .loss = 0.1 + 0.2,
                 .served_loss = 1e-300,
                 .accuracy = 0.97,
                 .diverged = true};
  for (const std::optional<double> accuracy : {run.accuracy, std::optional<double>()}) {
    run.accuracy = accuracy;
    const OutcomeRun again = outcome_run_of(to_line(run));
    EXPECT_EQ(to_line(again), to_line(run));
    EXPECT_EQ(again.seed, run.seed);
    EXPECT_EQ(again.loss, run.loss);
    EXPECT_EQ(again.accuracy, run.accuracy);
    EXPECT_TRUE(again.diverged);
  }
}

}  // namespace
}  // namespace gradquake::compare

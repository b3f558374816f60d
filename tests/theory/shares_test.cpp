#include "gradquake/theory/shares.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gradquake/theory/exponents.h"

namespace gradquake::theory {
namespace {

// Closed forms: with no hit of n the upper end is 1 - 0.025^(1/n), with n of n the lower end 0.025^(1/n).
TEST(SharesTest, TheIntervalIsClopperAndPearsons) {
  const Share none = exact_share(0, 10), all = exact_share(10, 10);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 1 - std::pow(0.025, 0.1), 1e-12);
  EXPECT_NEAR(all.low, std::pow(0.025, 0.1), 1e-12);
  EXPECT_EQ(all.high, 1);
  const Share half = exact_share(5, 10);  // Clopper and Pearson 1934: 0.187 to 0.813
  EXPECT_NEAR(half.low, 0.1871, 1e-4);
  EXPECT_NEAR(half.high, 0.8129, 1e-4);
}

TEST(SharesTest, StudentsTailIsThatOfItsQuantile) {
  for (const int degrees : {1, 4, 29}) {
    EXPECT_NEAR(student_two_sided(student_quantile(degrees), degrees), 0.05, 1e-12);
    EXPECT_NEAR(student_two_sided(-student_quantile(degrees), degrees), 0.05, 1e-12);
  }
  EXPECT_EQ(student_two_sided(0, 7), 1);
}

}  // namespace
}  // namespace gradquake::theory

#include "gradquake/hooks/nearest.h"

#include <gtest/gtest.h>

namespace gradquake::detail {
namespace {

TEST(NearestTest, FindsATransposedName) { EXPECT_EQ(nearest("mpl", {"cnn", "mlp", "logistic"}), "mlp"); }

TEST(NearestTest, CountsASwapOfNeighboursAsOneEdit) { EXPECT_EQ(nearest("ab", {"abcd", "ba"}), "ba"); }

TEST(NearestTest, IgnoresCase) { EXPECT_EQ(nearest("SGD", {"adm", "sgd"}), "sgd"); }

TEST(NearestTest, TakesTheFirstOfEquals) { EXPECT_EQ(nearest("x", {"b", "a"}), "b"); }

TEST(NearestTest, IsEmptyWhereNothingIsKnown) { EXPECT_EQ(nearest("x", {}), ""); }

TEST(NearestTest, TakesAnEmptyName) { EXPECT_EQ(nearest("", {"long", "no"}), "no"); }

TEST(NearestTest, KnowsAnAbbreviation) {
  EXPECT_EQ(nearest("lr", {"kind", "learning_rate", "momentum"}), "learning_rate");
  EXPECT_EQ(nearest("rel", {"mean", "relative_to"}), "relative_to");
}

}  // namespace
}  // namespace gradquake::detail

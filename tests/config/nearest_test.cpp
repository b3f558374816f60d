#include "gradquake/config/nearest.h"

#include <gtest/gtest.h>

namespace gradquake::config {
namespace {

TEST(NearestTest, FindsATransposedName) { EXPECT_EQ(nearest("mpl", {"cnn", "mlp", "logistic"}), "mlp"); }

TEST(NearestTest, CountsASwapOfNeighboursAsOneEdit) { EXPECT_EQ(nearest("ab", {"abcd", "ba"}), "ba"); }

TEST(NearestTest, IgnoresCase) { EXPECT_EQ(nearest("SGD", {"adm", "sgd"}), "sgd"); }

TEST(NearestTest, TakesTheFirstOfEquals) { EXPECT_EQ(nearest("x", {"b", "a"}), "b"); }

TEST(NearestTest, IsEmptyWhereNothingIsKnown) { EXPECT_EQ(nearest("x", {}), ""); }

TEST(NearestTest, TakesAnEmptyName) { EXPECT_EQ(nearest("", {"long", "no"}), "no"); }

}  // namespace
}  // namespace gradquake::config

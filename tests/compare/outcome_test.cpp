#include "gradquake/compare/outcome.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace gradquake::compare {
namespace {

// The O'Brien-Fleming function of Lan and DeMets (1983): hardly anything at first, 5 % at the end.
TEST(OutcomeTest, LooksSpendLittleAtFirstAndAllInTheEnd) {
  EXPECT_NEAR(spent_at(1), 0.05, 1e-12);
  EXPECT_NEAR(spent_at(0.5), 0.00557, 1e-4);
  EXPECT_LT(spent_at(1.0 / 6), 1e-5);
}

TEST(NetworkTest, SurvivesItsJson) {
  Network network{.name = "round format e4m3fn, both",
                  .seed = 18446744073709551615U,
                  .steps = 300,
                  .first_loss = 2.3,
                  .loss = 0.1 + 0.2,
                  .served_loss = 1e-300,
                  .accuracy = 0.97,
                  .diverged = true,
                  .spikes = 3};
  for (const std::optional<double> accuracy : {network.accuracy, std::optional<double>()}) {
    network.accuracy = accuracy;
    const Network again = network_of(nlohmann::json::parse(json_of(network).dump()));
    EXPECT_EQ(json_of(again), json_of(network));
    EXPECT_EQ(again.seed, network.seed);
    EXPECT_EQ(again.loss, network.loss);
    EXPECT_EQ(again.accuracy, network.accuracy);
    EXPECT_TRUE(again.diverged);
  }
}

}  // namespace
}  // namespace gradquake::compare

// A monitor that is saved and restored goes on bit for bit.
#include <gtest/gtest.h>

#include <random>

#include "gradquake/core/error.h"
#include "naive_monitor.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

TEST(StateTest, ARestoredMonitorGoesOnLikeTheUnbrokenOne) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const MonitorConfig config = small_windows();
    const auto records = random_run(seed, 400);
    Monitor unbroken(config, {"fc1", "fc2"});
    Monitor broken(config, {"fc1", "fc2"});
    std::mt19937_64 draw(seed);
    for (const StepRecord& record : records) {
      if (std::uniform_int_distribution<int>(0, 19)(draw) == 0) {
        Monitor fresh(config, {"fc1", "fc2"});
        fresh.restore(broken.save());
        broken = fresh;
      }
      const auto expected = unbroken.observe(record);
      const auto actual = broken.observe(record);
      ASSERT_EQ(actual.spike, expected.spike);
      ASSERT_EQ(actual.detected, expected.detected);
      ASSERT_EQ(described(actual.closed), described(expected.closed));
      ASSERT_EQ(broken.save(), unbroken.save());
    }
    ASSERT_EQ(described(broken.finish(false)), described(unbroken.finish(false)));
    ASSERT_EQ(broken.verdict().verdict, unbroken.verdict().verdict);
    ASSERT_EQ(broken.verdict().progress_lost, unbroken.verdict().progress_lost);
  }
}

TEST(StateTest, AnOpenSpikeKeepsNonFiniteNumbersAndWhatWasAttached) {
  Monitor monitor({}, {});
  monitor.observe(quiet(0, 1, 1));
  monitor.observe(quiet(1, kNaN, 1));
  SpikeRecord* spike = monitor.open_spike(1);
  ASSERT_NE(spike, nullptr);
  spike->curvature = CurvatureRecord{1, kInf, std::nullopt, -kInf, kInf, kNaN, 12};
  spike->predicted = {std::nullopt, "(38)", "noise floor"};
  spike->causes = {{"r", "s", "forward", kInf, 2}};

  Monitor restored({}, {});
  restored.restore(monitor.save());
  const SpikeRecord* back = restored.open_spike(1);
  ASSERT_NE(back, nullptr);
  EXPECT_TRUE(std::isnan(*back->grad_norm));
  EXPECT_EQ(back->curvature->lambda_max, kInf);
  EXPECT_EQ(back->curvature->lambda_min, std::nullopt);
  EXPECT_EQ(back->curvature->lambda_min_bound, -kInf);
  EXPECT_TRUE(std::isnan(back->curvature->gamma_L));
  EXPECT_EQ(back->curvature->products, 12);
  EXPECT_EQ(back->predicted.reason, "noise floor");
  EXPECT_EQ(back->causes.at(0).norm, kInf);
  EXPECT_EQ(restored.save(), monitor.save());
}

TEST(StateTest, ATextThatIsNoStateIsRefusedAndChangesNothing) {
  Monitor monitor({}, {"fc1"});
  for (const StepRecord& record : series(60, constant(1), constant(1), {55})) monitor.observe(record);
  const auto before = monitor.save();
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
                                  before.substr(0, before.size() / 2), Monitor({}, {"other"}).save()}) {
    EXPECT_THROW(monitor.restore(text), UserError) << text;
    EXPECT_EQ(monitor.save(), before);
  }
}

TEST(StateTest, RestoringGoesBackInTime) {
  Monitor monitor({}, {});
  const auto records = series(80, constant(1), constant(1), {30});
  for (std::size_t t = 0; t < 40; ++t) monitor.observe(records[t]);
  const auto checkpoint = monitor.save();
  for (std::size_t t = 40; t < 80; ++t) monitor.observe(records[t]);
  const auto end = monitor.save();
  monitor.restore(checkpoint);
  for (std::size_t t = 40; t < 80; ++t) monitor.observe(records[t]);
  EXPECT_EQ(monitor.save(), end);
}

}  // namespace
}  // namespace gradquake::monitor::test

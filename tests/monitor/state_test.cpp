// A monitor that is saved and restored goes on bit for bit.
#include <gtest/gtest.h>

#include <random>

#include "gradquake/core/error.h"
#include "naive_monitor.h"
#include "series.h"

namespace gradquake::monitor::test {
namespace {

// The whole state as one text.
std::string saved(const Monitor& monitor) {
  const Monitor::State state = monitor.save();
  return state.numbers + described(state.open);
}

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
      ASSERT_EQ(actual.spike.has_value(), expected.spike.has_value());
      if (actual.spike) {
        ASSERT_EQ(described({*actual.spike}), described({*expected.spike}));
      }
      ASSERT_EQ(described(actual.closed), described(expected.closed));
      ASSERT_EQ(saved(broken), saved(unbroken));
    }
    ASSERT_EQ(described(broken.finish(false)), described(unbroken.finish(false)));
    ASSERT_EQ(broken.verdict().verdict, unbroken.verdict().verdict);
    ASSERT_EQ(broken.verdict().progress_lost, unbroken.verdict().progress_lost);
  }
}

TEST(StateTest, ARestoredMonitorKeepsNonFiniteNumbers) {
  Monitor monitor({}, {});
  monitor.observe(quiet(0, 1, 1));
  monitor.observe(quiet(1, kNaN, 1));
  StepRecord hit = quiet(2, kInf, 1);
  hit.injections = {{2, "r", "s", "forward", 0, 1, kInf, kInf}};
  monitor.observe(hit);
  Monitor restored({}, {});
  restored.restore(monitor.save());
  EXPECT_TRUE(std::isnan(*restored.open_spikes().at(0).grad_norm));
  EXPECT_EQ(saved(restored), saved(monitor));
  const auto next = restored.observe(quiet(3, kInf, 1));
  EXPECT_EQ(next.spike->causes.at(0).norm, kInf);
}

TEST(StateTest, ATextThatIsNoStateIsRefusedAndChangesNothing) {
  Monitor monitor({}, {"fc1"});
  for (const StepRecord& record : series(60, constant(1), constant(1), {55})) monitor.observe(record);
  const auto before = saved(monitor);
  const std::string numbers = monitor.save().numbers;
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
                                  numbers.substr(0, numbers.size() / 2), Monitor({}, {"other"}).save().numbers}) {
    EXPECT_THROW(monitor.restore({text, {}}), UserError) << text;
    EXPECT_EQ(saved(monitor), before);
  }
}

TEST(StateTest, RestoringGoesBackInTime) {
  Monitor monitor({}, {});
  const auto records = series(80, constant(1), constant(1), {30});
  for (std::size_t t = 0; t < 40; ++t) monitor.observe(records[t]);
  const auto checkpoint = monitor.save();
  for (std::size_t t = 40; t < 80; ++t) monitor.observe(records[t]);
  const auto end = saved(monitor);
  monitor.restore(checkpoint);
  for (std::size_t t = 40; t < 80; ++t) monitor.observe(records[t]);
  EXPECT_EQ(saved(monitor), end);
}

}  // namespace
}  // namespace gradquake::monitor::test

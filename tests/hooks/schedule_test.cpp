#include "gradquake/hooks/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <thread>

#include "gradquake/hooks/random/stream.h"

namespace gradquake {
namespace {

using Steps = std::vector<std::int64_t>;

Steps firing_steps(const Schedule& schedule, std::int64_t end, std::int64_t begin = 0) {
  Steps steps;
  for (std::int64_t t = begin; t < end; ++t) {
    if (schedule.fires(t)) steps.push_back(t);
  }
  return steps;
}

ScheduleSpec probability(double p) {
  ScheduleSpec spec;
  spec.kind = ScheduleKind::kProbability;
  spec.probability = p;
  return spec;
}

ScheduleSpec budget(std::int64_t count, Spread spread) {
  ScheduleSpec spec;
  spec.kind = ScheduleKind::kBudget;
  spec.count = count;
  spec.spread = spread;
  return spec;
}

ScheduleSpec amplitude(AmplitudeKind kind) {
  ScheduleSpec spec;
  spec.amplitude.kind = kind;
  return spec;
}

TEST(ScheduleTest, EveryFiresByItsFormula) {
  for (std::int64_t interval : {1, 2, 7, 100}) {
    for (std::int64_t offset : {-13, -1, 0, 3, 250}) {
      for (std::int64_t from : {0, 5}) {
        ScheduleSpec spec;
        spec.interval = interval;
        spec.offset = offset;
        spec.from = from;
        spec.until = 300;
        Steps expected;
        for (std::int64_t t = 0; t < 400; ++t) {
          if (t >= from && t < 300 && std::abs(t - offset) % interval == 0) expected.push_back(t);
        }
        EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 400), expected) << interval << " " << offset << " " << from;
      }
    }
  }
}

TEST(ScheduleTest, WithoutUntilEveryGoesOnForEver) {
  ScheduleSpec spec;
  spec.interval = 1000;
  const auto schedule = make_schedule(spec, {});
  EXPECT_TRUE(schedule->fires(std::int64_t{9000000000000} * 1000));
  EXPECT_FALSE(schedule->fires(std::int64_t{9000000000000} * 1000 + 1));
}

TEST(ScheduleTest, AtFiresAtItsStepsInAnyOrderGiven) {
  ScheduleSpec spec;
  spec.kind = ScheduleKind::kAt;
  spec.steps = {40, 3, 17, 3};
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100), (Steps{3, 17, 40}));
  spec.steps = {};
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100), Steps{});
}

TEST(ScheduleTest, OnceFiresOnce) {
  ScheduleSpec spec;
  spec.kind = ScheduleKind::kOnce;
  spec.step = 42;
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100), Steps{42});
}

TEST(ScheduleTest, ProbabilityFiresThatOften) {  // within 5 standard deviations: false alarm 6e-7
  constexpr std::int64_t kSteps = 100000;
  for (double p : {0.01, 0.3, 0.9}) {
    const auto schedule = make_schedule(probability(p), {kSteps, 99});
    const double fired = static_cast<double>(firing_steps(*schedule, kSteps).size());
    EXPECT_NEAR(fired, p * kSteps, 5 * std::sqrt(p * (1 - p) * kSteps)) << p;
  }
}

TEST(ScheduleTest, ProbabilityZeroNeverFiresAndOneAlways) {
  EXPECT_EQ(firing_steps(*make_schedule(probability(0), {0, 1}), 5000).size(), 0u);
  EXPECT_EQ(firing_steps(*make_schedule(probability(1), {0, 1}), 5000).size(), 5000u);
}

TEST(ScheduleTest, ProbabilityKeepsToItsWindow) {
  ScheduleSpec spec = probability(1);
  spec.from = 10;
  spec.until = 20;
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100).size(), 10u);
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100).front(), 10);
}

TEST(ScheduleTest, ACoinDependsOnItsStepAlone) {
  ScheduleSpec late = probability(0.5);
  late.from = 500;
  const auto whole = make_schedule(probability(0.5), {1000, 7}), part = make_schedule(late, {4000, 7});
  const Steps forwards = firing_steps(*whole, 1000);
  Steps backwards;
  for (std::int64_t t = 999; t >= 0; --t) {
    if (whole->fires(t)) backwards.push_back(t);
  }
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(forwards, backwards);
  EXPECT_EQ(firing_steps(*part, 1000), firing_steps(*whole, 1000, 500));
}

TEST(ScheduleTest, AHigherProbabilityFiresWhereTheLowerOneDid) {
  const auto low = make_schedule(probability(0.2), {0, 7}), high = make_schedule(probability(0.6), {0, 7});
  for (std::int64_t t : firing_steps(*low, 2000)) EXPECT_TRUE(high->fires(t));
}

TEST(ScheduleTest, RulesThrowTheirOwnCoins) {  // agreement of fair coins within 5 sd: 6e-7
  const auto a = make_schedule(probability(0.5), {0, 1}), b = make_schedule(probability(0.5), {0, 2});
  int equal = 0;
  for (std::int64_t t = 0; t < 10000; ++t) equal += a->fires(t) == b->fires(t);
  EXPECT_NEAR(equal, 5000, 250);
}

TEST(ScheduleTest, CoinsOfStepsBeyond2To32AreNew) {
  const auto schedule = make_schedule(probability(0.5), {0, 7});
  int equal = 0;
  for (std::int64_t t = 0; t < 10000; ++t) {
    equal += schedule->fires(t) == schedule->fires(t + (std::int64_t{1} << 32));
  }
  EXPECT_NEAR(equal, 5000, 250);
}

TEST(ScheduleTest, AnEvenBudgetFiresAtItsClosedForm) {
  for (std::int64_t span : {1, 7, 100, 1999}) {
    for (std::int64_t count : {0, 1, 3, 7, 50, 1999}) {
      if (count > span) continue;
      ScheduleSpec spec = budget(count, Spread::kEven);
      spec.from = 11;
      spec.until = 11 + span;
      Steps expected;
      for (std::int64_t k = 0; k < count; ++k) expected.push_back(11 + k * span / count);
      EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 2100), expected) << count << " in " << span;
    }
  }
}

TEST(ScheduleTest, AnEvenBudgetThatDividesItsStepsIsEvery) {
  ScheduleSpec every;
  every.interval = 100;
  EXPECT_EQ(firing_steps(*make_schedule(budget(20, Spread::kEven), {2000, 0}), 2000),
            firing_steps(*make_schedule(every, {2000, 0}), 2000));
}

TEST(ScheduleTest, ARandomBudgetIsSpentExactlyWithinItsWindow) {
  for (std::int64_t count : {0, 1, 10, 499, 500}) {
    ScheduleSpec spec = budget(count, Spread::kRandom);
    spec.from = 100;
    spec.until = 600;
    const Steps steps = firing_steps(*make_schedule(spec, {0, 3}), 1000);
    ASSERT_EQ(steps.size(), static_cast<std::size_t>(count));
    if (count > 0) {
      EXPECT_GE(steps.front(), 100);
      EXPECT_LT(steps.back(), 600);
    }
  }
}

// 4000 subsets of 5 of 20 steps, one key each. The 20 counts have mean 1000 and chi-square times 20/15 has 19 degrees
// of freedom; 72 is exceeded with probability 1e-7.
TEST(ScheduleTest, ARandomBudgetPrefersNoStep) {
  std::vector<double> hits(20);
  std::set<Steps> subsets;
  for (std::uint64_t key = 0; key < 4000; ++key) {
    const Steps steps = firing_steps(*make_schedule(budget(5, Spread::kRandom), {20, key}), 20);
    for (std::int64_t t : steps) ++hits[static_cast<std::size_t>(t)];
    subsets.insert(steps);
  }
  double chi_square = 0;
  for (double h : hits) chi_square += (h - 1000) * (h - 1000) / 1000;
  EXPECT_LT(chi_square * 19 / 15, 72);
  EXPECT_GT(subsets.size(), 3000u);  // of 15504 possible, about 3526 are expected
}

TEST(ScheduleTest, ABudgetTakesItsEndFromTheRun) {
  EXPECT_EQ(firing_steps(*make_schedule(budget(4, Spread::kEven), {40, 0}), 100), (Steps{0, 10, 20, 30}));
  EXPECT_THROW(make_schedule(budget(4, Spread::kEven), {}), std::invalid_argument);
  EXPECT_THROW(make_schedule(budget(41, Spread::kEven), {40, 0}), std::invalid_argument);
}

TEST(ScheduleTest, NoScheduleFiresBeforeStepZero) {
  ScheduleSpec every;
  EXPECT_FALSE(make_schedule(every, {})->fires(-1));
  EXPECT_FALSE(make_schedule(probability(1), {})->fires(-1));
  EXPECT_FALSE(make_schedule(budget(5, Spread::kEven), {5, 0})->fires(-1));
}

TEST(ScheduleTest, TheAmplitudeIsOneUnlessAskedFor) {
  EXPECT_EQ(make_schedule({}, {})->amplitude(0), 1);
  EXPECT_EQ(make_schedule({}, {})->amplitude(123456), 1);
}

TEST(ScheduleTest, TheHorizonAmplitudeIsAPowerOfTheRunsLength) {
  ScheduleSpec spec = amplitude(AmplitudeKind::kHorizon);
  spec.amplitude.power = 0.5;
  const auto schedule = make_schedule(spec, {10000, 0});
  EXPECT_DOUBLE_EQ(schedule->amplitude(0), 0.01);
  EXPECT_DOUBLE_EQ(schedule->amplitude(9999), 0.01);
  EXPECT_THROW(make_schedule(spec, {}), std::invalid_argument);
}

TEST(ScheduleTest, TheDecayingAmplitudeIsAPowerOfTheStep) {
  ScheduleSpec spec = amplitude(AmplitudeKind::kDecay);
  spec.amplitude.power = 0.25;
  const auto schedule = make_schedule(spec, {});
  EXPECT_DOUBLE_EQ(schedule->amplitude(0), 1);
  EXPECT_DOUBLE_EQ(schedule->amplitude(15), 0.5);
  EXPECT_DOUBLE_EQ(schedule->amplitude(80), 1.0 / 3);
}

TEST(ScheduleTest, TheLinearAmplitudeIsAStraightLineBetweenItsEnds) {
  ScheduleSpec spec = amplitude(AmplitudeKind::kLinear);
  spec.amplitude.from = 2;
  spec.amplitude.to = 0.5;
  spec.amplitude.start = 100;
  spec.amplitude.end = 400;
  const auto schedule = make_schedule(spec, {});
  EXPECT_DOUBLE_EQ(schedule->amplitude(0), 2);
  EXPECT_DOUBLE_EQ(schedule->amplitude(100), 2);
  EXPECT_DOUBLE_EQ(schedule->amplitude(200), 1.5);
  EXPECT_DOUBLE_EQ(schedule->amplitude(400), 0.5);
  EXPECT_DOUBLE_EQ(schedule->amplitude(100000), 0.5);
}

TEST(ScheduleTest, AnAmplitudeGoesWithAnyKind) {
  ScheduleSpec spec = budget(2, Spread::kRandom);
  spec.amplitude.kind = AmplitudeKind::kDecay;
  spec.amplitude.power = 1;
  EXPECT_DOUBLE_EQ(make_schedule(spec, {100, 0})->amplitude(9), 0.1);
}

TEST(ScheduleTest, WhatMakesNoSenseIsRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const auto refused = [](auto change) {
    ScheduleSpec spec;
    change(spec);
    EXPECT_THROW(make_schedule(spec, {100, 0}), std::invalid_argument);
  };
  refused([](auto& s) { s.interval = 0; });
  refused([](auto& s) { s.interval = -5; });
  refused([](auto& s) { s.from = -1; });
  refused([](auto& s) { s.from = 10, s.until = 9; });
  refused([](auto& s) { s.kind = ScheduleKind::kAt, s.steps = {3, -1}; });
  refused([](auto& s) { s.kind = ScheduleKind::kOnce, s.step = -1; });
  refused([](auto& s) { s = probability(-0.1); });
  refused([](auto& s) { s = probability(1.1); });
  refused([&](auto& s) { s = probability(nan); });
  refused([](auto& s) { s = budget(-1, Spread::kEven); });
  refused([](auto& s) { s = budget(101, Spread::kRandom); });
  refused([&](auto& s) { s.amplitude.power = inf; });
  refused([&](auto& s) { s.amplitude.from = nan; });
  refused([](auto& s) { s = amplitude(AmplitudeKind::kLinear), s.amplitude.start = 5, s.amplitude.end = 5; });
  refused([](auto& s) { s.custom = "no-such-schedule"; });
}

TEST(ScheduleTest, AnErrorSaysWhatWasExpectedAndWhatCame) {
  ScheduleSpec spec;
  spec.interval = -3;
  try {
    make_schedule(spec, {});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "[hooks] schedule: expected interval >= 1, got -3");
  }
}

class Primes : public Schedule {
 public:
  explicit Primes(double factor) : factor_(factor) {}
  bool fires(std::int64_t step) const override {
    for (std::int64_t d = 2; d * d <= step; ++d) {
      if (step % d == 0) return false;
    }
    return step >= 2;
  }
  double amplitude(std::int64_t) const override { return factor_; }

 private:
  double factor_;
};

std::unique_ptr<Schedule> make_primes(const ScheduleSpec& spec, const ScheduleContext&) {
  return std::make_unique<Primes>(spec.parameters.contains("factor") ? spec.parameters.at("factor") : 1.0);
}

TEST(ScheduleTest, AUsersScheduleIsFoundByItsName) {
  register_schedule("primes", make_primes, {"factor"});
  ScheduleSpec spec;
  spec.custom = "primes";
  spec.parameters["factor"] = 3;
  spec.amplitude.kind = AmplitudeKind::kDecay;
  spec.amplitude.power = 1;
  const auto schedule = make_schedule(spec, {});
  EXPECT_EQ(firing_steps(*schedule, 20), (Steps{2, 3, 5, 7, 11, 13, 17, 19}));
  EXPECT_DOUBLE_EQ(schedule->amplitude(2), 3 * (1.0 / 3));
  const auto kinds = schedule_kinds();
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "primes"), 1);
  EXPECT_EQ(schedule_parameters("primes"), std::vector<std::string>{"factor"});
  spec.parameters["facter"] = 3;
  EXPECT_THROW(make_schedule(spec, {}), std::invalid_argument);
}

TEST(ScheduleTest, ANameIsRegisteredOnce) {
  register_schedule("twice", make_primes);
  EXPECT_THROW(register_schedule("twice", make_primes), std::invalid_argument);
  EXPECT_THROW(register_schedule("every", make_primes), std::invalid_argument);
  EXPECT_THROW(register_schedule("", make_primes), std::invalid_argument);
  EXPECT_THROW(register_schedule("empty", nullptr), std::invalid_argument);
}

TEST(ScheduleTest, AFactoryThatGivesNothingIsRefused) {
  register_schedule("nothing", [](const ScheduleSpec&, const ScheduleContext&) { return nullptr; });
  ScheduleSpec spec;
  spec.custom = "nothing";
  EXPECT_THROW(make_schedule(spec, {}), std::invalid_argument);
}

TEST(ScheduleTest, ThreadsMayRegisterAtTheSameTime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 50; ++j) {
        register_schedule("thread" + std::to_string(i) + "." + std::to_string(j), make_primes);
        ScheduleSpec spec;
        spec.custom = "thread" + std::to_string(i) + "." + std::to_string(j);
        EXPECT_TRUE(make_schedule(spec, {})->fires(7));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(schedule_kinds().size(), 205u);
}

}  // namespace
}  // namespace gradquake

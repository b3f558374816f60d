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

KindSpec probability(double p) { return {"probability", {{"p", p}}}; }

KindSpec budget(std::int64_t count, const char* spread) { return {"budget", {{"count", count}, {"spread", spread}}}; }

KindSpec with_amplitude(KindSpec amplitude) { return {"every", {{"amplitude", std::move(amplitude)}}}; }

TEST(ScheduleTest, EveryFiresByItsFormula) {
  for (std::int64_t interval : {1, 2, 7, 100}) {
    for (std::int64_t offset : {0, 3, 250}) {
      for (std::int64_t from : {0, 5}) {
        const KindSpec spec{"every", {{"interval", interval}, {"offset", offset}, {"from", from}, {"until", 300}}};
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
  const auto schedule = make_schedule({"every", {{"interval", 1000}}}, {});
  EXPECT_TRUE(schedule->fires(std::int64_t{9000000000000} * 1000));
  EXPECT_FALSE(schedule->fires(std::int64_t{9000000000000} * 1000 + 1));
}

TEST(ScheduleTest, AtFiresAtItsStepsInAnyOrderGiven) {
  KindSpec spec{"at", {{"steps", Steps{40, 3, 17, 3}}}};
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100), (Steps{3, 17, 40}));
  spec.set("steps", Steps{});
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100), Steps{});
}

TEST(ScheduleTest, OnceFiresOnce) {
  EXPECT_EQ(firing_steps(*make_schedule({"once", {{"step", 42}}}, {}), 100), Steps{42});
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
  const KindSpec spec = probability(1).set("from", 10).set("until", 20);
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100).size(), 10u);
  EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 100).front(), 10);
}

TEST(ScheduleTest, ACoinDependsOnItsStepAlone) {
  const KindSpec late = probability(0.5).set("from", 500);
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
      const KindSpec spec = budget(count, "even").set("from", 11).set("until", 11 + span);
      Steps expected;
      for (std::int64_t k = 0; k < count; ++k) expected.push_back(11 + k * span / count);
      EXPECT_EQ(firing_steps(*make_schedule(spec, {}), 2100), expected) << count << " in " << span;
    }
  }
}

TEST(ScheduleTest, AnEvenBudgetThatDividesItsStepsIsEvery) {
  const KindSpec every{"every", {{"interval", 100}}};
  EXPECT_EQ(firing_steps(*make_schedule(budget(20, "even"), {2000, 0}), 2000),
            firing_steps(*make_schedule(every, {2000, 0}), 2000));
}

TEST(ScheduleTest, ARandomBudgetIsSpentExactlyWithinItsWindow) {
  for (std::int64_t count : {0, 1, 10, 499, 500}) {
    const KindSpec spec = budget(count, "random").set("from", 100).set("until", 600);
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
    const Steps steps = firing_steps(*make_schedule(budget(5, "random"), {20, key}), 20);
    for (std::int64_t t : steps) ++hits[static_cast<std::size_t>(t)];
    subsets.insert(steps);
  }
  double chi_square = 0;
  for (double h : hits) chi_square += (h - 1000) * (h - 1000) / 1000;
  EXPECT_LT(chi_square * 19 / 15, 72);
  EXPECT_GT(subsets.size(), 3000u);  // of 15504 possible, about 3526 are expected
}

TEST(ScheduleTest, ABudgetTakesItsEndFromTheRun) {
  EXPECT_EQ(firing_steps(*make_schedule(budget(4, "even"), {40, 0}), 100), (Steps{0, 10, 20, 30}));
  EXPECT_THROW(make_schedule(budget(4, "even"), {}), std::invalid_argument);
  EXPECT_THROW(make_schedule(budget(41, "even"), {40, 0}), std::invalid_argument);
}

TEST(ScheduleTest, NoScheduleFiresBeforeStepZero) {
  EXPECT_FALSE(make_schedule("every", {})->fires(-1));
  EXPECT_FALSE(make_schedule(probability(1), {})->fires(-1));
  EXPECT_FALSE(make_schedule(budget(5, "even"), {5, 0})->fires(-1));
}

TEST(ScheduleTest, TheAmplitudeIsOneUnlessAskedFor) {
  EXPECT_EQ(make_schedule("every", {})->amplitude(0), 1);
  EXPECT_EQ(make_schedule("every", {})->amplitude(123456), 1);
}

TEST(ScheduleTest, TheHorizonAmplitudeIsAPowerOfTheRunsLength) {
  const KindSpec spec = with_amplitude({"horizon", {{"power", 0.5}}});
  const auto schedule = make_schedule(spec, {10000, 0});
  EXPECT_DOUBLE_EQ(schedule->amplitude(0), 0.01);
  EXPECT_DOUBLE_EQ(schedule->amplitude(9999), 0.01);
  EXPECT_THROW(make_schedule(spec, {}), std::invalid_argument);
}

TEST(ScheduleTest, TheDecayingAmplitudeIsAPowerOfTheStep) {
  const KindSpec spec = with_amplitude({"decay", {{"power", 0.25}}});
  const auto schedule = make_schedule(spec, {});
  EXPECT_DOUBLE_EQ(schedule->amplitude(0), 1);
  EXPECT_DOUBLE_EQ(schedule->amplitude(15), 0.5);
  EXPECT_DOUBLE_EQ(schedule->amplitude(80), 1.0 / 3);
}

TEST(ScheduleTest, TheLinearAmplitudeIsAStraightLineBetweenItsEnds) {
  const KindSpec spec = with_amplitude({"linear", {{"from", 2}, {"to", 0.5}, {"start", 100}, {"end", 400}}});
  const auto schedule = make_schedule(spec, {});
  EXPECT_DOUBLE_EQ(schedule->amplitude(0), 2);
  EXPECT_DOUBLE_EQ(schedule->amplitude(100), 2);
  EXPECT_DOUBLE_EQ(schedule->amplitude(200), 1.5);
  EXPECT_DOUBLE_EQ(schedule->amplitude(400), 0.5);
  EXPECT_DOUBLE_EQ(schedule->amplitude(100000), 0.5);
}

TEST(ScheduleTest, AnAmplitudeGoesWithAnyKind) {
  const KindSpec spec = budget(2, "random").set("amplitude", KindSpec{"decay", {{"power", 1}}});
  EXPECT_DOUBLE_EQ(make_schedule(spec, {100, 0})->amplitude(9), 0.1);
}

TEST(ScheduleTest, WhatMakesNoSenseIsRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const auto refused = [](auto change) {
    KindSpec spec = "every";
    change(spec);
    EXPECT_THROW(make_schedule(spec, {100, 0}), std::invalid_argument);
  };
  refused([](auto& s) { s.set("interval", 0); });
  refused([](auto& s) { s.set("interval", -5); });
  refused([](auto& s) { s.set("from", -1); });
  refused([](auto& s) { s.set("offset", -1); });
  refused([](auto& s) { s.set("from", 10).set("until", 9); });
  refused([](auto& s) { s = {"at", {{"steps", Steps{3, -1}}}}; });
  refused([](auto& s) { s = {"once", {{"step", -1}}}; });
  refused([](auto& s) { s = probability(-0.1); });
  refused([](auto& s) { s = probability(1.1); });
  refused([&](auto& s) { s = probability(nan); });
  refused([](auto& s) { s = budget(-1, "even"); });
  refused([](auto& s) { s = budget(101, "random"); });
  refused([&](auto& s) { s = with_amplitude({"decay", {{"power", inf}}}); });
  refused([&](auto& s) { s = with_amplitude({"linear", {{"from", nan}, {"end", 5}}}); });
  refused([](auto& s) { s = with_amplitude({"linear", {{"start", 5}, {"end", 5}}}); });
  refused([](auto& s) { s = "no-such-schedule"; });
}

TEST(ScheduleTest, AnErrorSaysWhatWasExpectedAndWhatCame) {
  try {
    make_schedule({"every", {{"interval", -3}}}, {});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "[hooks] expected an integer >= 1 as interval of kind 'every', got -3");
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

std::unique_ptr<Schedule> make_primes(const KindSpec& spec, const ScheduleContext&) {
  return std::make_unique<Primes>(spec.number("factor"));
}

KindInfo primes_called(const std::string& name) {
  return {name, "at prime steps", {Parameter::number("factor", "factor on the perturbation").by_default(1)}};
}

TEST(ScheduleTest, AUsersScheduleIsFoundByItsName) {
  schedules().add(primes_called("primes"), make_primes);
  KindSpec spec{"primes", {{"factor", 3}, {"amplitude", KindSpec{"decay", {{"power", 1}}}}}};
  const auto schedule = make_schedule(spec, {});
  EXPECT_EQ(firing_steps(*schedule, 20), (Steps{2, 3, 5, 7, 11, 13, 17, 19}));
  EXPECT_DOUBLE_EQ(schedule->amplitude(2), 3 * (1.0 / 3));
  EXPECT_EQ(schedule->describe(), "primes factor 3, amplitude (t+1)^-1");
  const auto kinds = schedules().names();
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "primes"), 1);
  spec.set("facter", 3);
  EXPECT_THROW(make_schedule(spec, {}), std::invalid_argument);
}

TEST(ScheduleTest, ANameIsRegisteredOnce) {
  schedules().add(primes_called("twice"), make_primes);
  EXPECT_THROW(schedules().add(primes_called("twice"), make_primes), std::invalid_argument);
  EXPECT_THROW(schedules().add(primes_called("every"), make_primes), std::invalid_argument);
  EXPECT_THROW(schedules().add(primes_called(""), make_primes), std::invalid_argument);
  EXPECT_THROW(schedules().add(primes_called("empty"), nullptr), std::invalid_argument);
}

TEST(ScheduleTest, AFactoryThatGivesNothingIsRefused) {
  schedules().add({"nothing", "nothing"}, [](const KindSpec&, const ScheduleContext&) { return nullptr; });
  EXPECT_THROW(make_schedule("nothing", {}), std::invalid_argument);
}

TEST(ScheduleTest, ThreadsMayRegisterAtTheSameTime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 50; ++j) {
        const std::string name = "thread" + std::to_string(i) + "." + std::to_string(j);
        schedules().add(primes_called(name), make_primes);
        EXPECT_TRUE(make_schedule(name, {})->fires(7));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(schedules().names().size(), 205u);
}

}  // namespace
}  // namespace gradquake

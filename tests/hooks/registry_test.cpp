#include "gradquake/hooks/registry.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "gradquake/hooks/rule.h"
#include "gradquake/hooks/schedule.h"

namespace gradquake {
namespace {

using Maker = std::function<std::string(const KindSpec&)>;

const KindGroup& flavours() {
  static Registry<Maker> registry("flavour", {{{"plain", "nothing added"}, [](const KindSpec&) { return "plain"; }},
                                              {{"fruit", "of a fruit", {Parameter::text("name", "which")}},
                                               [](const KindSpec& spec) { return spec.text("name"); }}});
  return registry;
}

KindInfo ice() {
  return {
      "ice",
      "every type of parameter",
      {Parameter::number("size", "how much").in(Range::positive()).by_default(1),
       Parameter::integer("scoops", "how many").between(1, 5).by_default(2),
       Parameter::flag("cone", "in a cone").by_default(false),
       Parameter::text("note", "what is written on it").by_default(""), Parameter::path("file", "a file").optional(),
       Parameter::choice("sauce", {"none", "cherry"}, "what is on top").by_default("none"),
       Parameter::numbers("layers", "their heights").in(Range::non_negative()).by_default(std::vector<double>{}),
       Parameter::integers("days", "when").at_least(0),
       Parameter::texts("friends", "for whom").by_default(std::vector<std::string>{}),
       Parameter::kind("flavour", flavours, "of what").by_default("plain"),
       Parameter::mappings(
           "toppings", {Parameter::text("what", "which"), Parameter::flag("hot", "warm").by_default(false)}, "on top")
           .by_default(std::vector<KindSpec>{}),
       Parameter::integer("limit", "at most").or_null(),
       Parameter::number("angle", "of the cone").by_default(30).only_with("cone")},
      [](const KindSpec& spec) -> std::optional<KindProblem> {
        if (!spec.flag("cone") || spec.integer("scoops") < 4) return std::nullopt;
        return KindProblem{"scoops", "expected fewer than 4 in a cone, got 4"};
      }};
}

Registry<Maker> shop() {
  return Registry<Maker>("dish", {{ice(), [](const KindSpec& spec) { return words_of(spec); }}});
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(RegistryTest, WhatIsLeftOutTakesItsDefaultAndWhatIsGivenItsType) {
  const Registry<Maker> dishes = shop();
  const KindSpec spec = dishes.complete({"ice",
                                         {{"days", std::vector<std::int64_t>{1, 2}},
                                          {"size", 3},
                                          {"layers", std::vector<std::int64_t>{1}},
                                          {"flavour", KindSpec{"fruit", {{"name", "plum"}}}},
                                          {"toppings", std::vector<KindSpec>{{"", {{"what", "nuts"}}}}}}});
  EXPECT_EQ(spec.number("size"), 3.0);
  EXPECT_EQ(spec.integer("scoops"), 2);
  EXPECT_FALSE(spec.flag("cone"));
  EXPECT_EQ(spec.text("note"), "");
  EXPECT_FALSE(spec.has("file"));
  EXPECT_EQ(spec.text("sauce"), "none");
  EXPECT_EQ(spec.numbers("layers"), std::vector<double>{1});
  EXPECT_EQ(spec.integers("days"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(spec.texts("friends").empty());
  EXPECT_EQ(spec.nested("flavour").text("name"), "plum");
  EXPECT_FALSE(spec.mappings("toppings").at(0).flag("hot"));
  EXPECT_EQ(spec.optional_integer("limit"), std::nullopt);
  EXPECT_EQ(spec.find("angle"), nullptr);
  EXPECT_EQ(spec.values.front().name, "size");
}

TEST(RegistryTest, EachMistakeIsRefusedByName) {
  const Registry<Maker> dishes = shop();
  const KindValue days = std::vector<std::int64_t>{1};
  const auto with = [&](const std::string& name, KindValue value) {
    KindSpec spec{"ice", {{"days", days}}};
    spec.set(name, std::move(value));
    return refusal([&] { dishes.complete(spec); });
  };
  EXPECT_EQ(refusal([&] { dishes.complete("ice"); }),
            "[hooks] expected a list, each an integer >= 0 as days of kind 'ice', got nothing (it is required)");
  EXPECT_EQ(refusal([&] { dishes.complete("ise"); }), "[hooks] expected a known dish kind, nearest 'ice', got 'ise'");
  EXPECT_EQ(with("size", 0), "[hooks] expected a number > 0 as size of kind 'ice', got 0");
  EXPECT_EQ(with("scoops", 6), "[hooks] expected an integer in [1, 5] as scoops of kind 'ice', got 6");
  EXPECT_EQ(with("scoops", 1.5), "[hooks] expected an integer in [1, 5] as scoops of kind 'ice', got 1.5");
  EXPECT_EQ(with("cone", 1), "[hooks] expected true or false as cone of kind 'ice', got 1");
  EXPECT_EQ(with("sauce", "cheri"), "[hooks] expected one of none, cherry as sauce of kind 'ice', got cheri");
  EXPECT_EQ(with("size", KindValue()), "[hooks] expected a number > 0 as size of kind 'ice', got null");
  EXPECT_EQ(with("file", ""), "[hooks] expected a path as file of kind 'ice', got ''");
  EXPECT_EQ(with("angle", 3), "[hooks] expected a parameter of kind 'ice', nearest 'note', got 'angle'");
  EXPECT_EQ(with("flavour", "fruity"), "[hooks] expected a known flavour kind, nearest 'fruit', got 'fruity'");
  EXPECT_EQ(with("sise", 3), "[hooks] expected a parameter of kind 'ice', nearest 'size', got 'sise'");
  EXPECT_EQ(refusal([&] {
              dishes.complete({"ice", {{"days", days}, {"cone", true}, {"scoops", 4}}});
            }),
            "[hooks] dish 'ice': scoops: expected fewer than 4 in a cone, got 4");
}

TEST(RegistryTest, AParameterOfAFlagIsKnownWhereTheFlagIsSet) {
  const Registry<Maker> dishes = shop();
  const KindSpec spec = dishes.complete({"ice", {{"days", std::vector<std::int64_t>{}}, {"cone", true}}});
  EXPECT_EQ(spec.number("angle"), 30);
}

TEST(RegistryTest, ADefaultOutsideItsOwnRangeIsRefused) {
  Registry<Maker> dishes = shop();
  const Maker maker = [](const KindSpec&) { return ""; };
  EXPECT_THROW(dishes.add({"bad", "", {Parameter::number("x", "").in(Range::unit()).by_default(2)}}, maker),
               std::invalid_argument);
  EXPECT_THROW(dishes.add({"bad", "", {Parameter::choice("x", {"a"}, "").by_default("b")}}, maker),
               std::invalid_argument);
  EXPECT_THROW(dishes.add({"ice", ""}, maker), std::invalid_argument);
  EXPECT_THROW(dishes.add({"", ""}, maker), std::invalid_argument);
  EXPECT_THROW(dishes.add({"empty", ""}, nullptr), std::invalid_argument);
}

TEST(RegistryTest, UsersKindsFollowTheBuiltInOnesByName) {
  Registry<Maker> dishes = shop();
  const Maker maker = [](const KindSpec&) { return ""; };
  dishes.add({"zest", ""}, maker);
  dishes.add({"bread", ""}, maker);
  EXPECT_EQ(dishes.names(), (std::vector<std::string>{"ice", "bread", "zest"}));
}

TEST(RegistryTest, AKindInWordsSaysEveryParameter) {
  EXPECT_EQ(words_of({"cut", {{"depth", 3}, {"by", "knife"}, {"at", std::vector<double>{0.5, 1}}}}, {"by"}),
            "cut depth 3, at [0.5, 1]");
  EXPECT_EQ(words_of("cut"), "cut");
}

TEST(RegistryTest, WhatDependsOnTheRunsLengthSaysSo) {
  const auto reason = [](const KindSpec& spec) { return schedules().length_dependence(spec); };
  EXPECT_EQ(reason("every"), std::nullopt);
  EXPECT_EQ(reason({"every", {{"amplitude", KindSpec{"horizon", {{"power", 1}}}}}}), "has a horizon amplitude");
  EXPECT_EQ(reason({"budget", {{"count", 3}}}), "spreads its budget over the whole run");
  EXPECT_EQ(reason({"budget", {{"count", 3}, {"until", 9}}}), std::nullopt);
}

TEST(EnumTextTest, EveryValueReadsBackAsItIsPrinted) {
  for (const Direction direction : {Direction::kForward, Direction::kBackward, Direction::kBoth}) {
    EXPECT_EQ(from_text<Direction>(to_text(direction)), direction);
  }
  EXPECT_EQ(texts_of<RelativeTo>(), (std::vector<std::string>{"none", "rms"}));
  EXPECT_THROW(from_text<Direction>("sideways"), std::invalid_argument);
}

}  // namespace
}  // namespace gradquake

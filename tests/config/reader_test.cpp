#include "gradquake/config/reader.h"

#include <gtest/gtest.h>

#include <limits>

#include "failure.h"
#include "gradquake/config/document.h"

namespace gradquake::config {
namespace {

Reader read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return Document::parse(text, "a.yaml", overrides).root();
}

TEST(ReaderTest, ReadsEveryTypeAsGiven) {
  Reader root = read("n: .5\ni: 7\nb: false\nt: some text\nis: [1, 2]\nns: [1, 2.5]\nnone: null\nword: auto\n");
  EXPECT_EQ(root.number("n", 0), 0.5);
  EXPECT_EQ(root.integer("i", 0, 0), 7);
  EXPECT_FALSE(root.boolean("b", true));
  EXPECT_EQ(root.text("t", ""), "some text");
  EXPECT_EQ(root.integers("is", {}, 0), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(root.numbers("ns", {}), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(root.number_or_null("none", 1.0), std::nullopt);
  EXPECT_EQ(root.integer_or_word("word", "auto", 3, 1), std::nullopt);
  EXPECT_NO_THROW(root.finish());
}

TEST(ReaderTest, GivesTheDefaultsOfAbsentKeys) {
  Reader root = read("{}");
  EXPECT_EQ(root.number("n", 0.25, Range::positive()), 0.25);
  EXPECT_EQ(root.integer_or_null("i", std::nullopt, 0), std::nullopt);
  EXPECT_EQ(root.integer_or_word("threads", "auto", std::nullopt, 1), std::nullopt);
  EXPECT_EQ(root.text_or_null("t", "x"), "x");
  EXPECT_EQ(root.choice("kind", "sgd", {"sgd", "adam"}), "sgd");
  EXPECT_TRUE(root.list("perturbations").empty());
  EXPECT_TRUE(root.section("a").section("b").boolean("c", true));
}

TEST(ReaderTest, NamesPlaceKeyRangeAndValueOfANumber) {
  Reader optimizer = read("run: {}\noptimizer:\n  kind: sgd\n  learning_rate: -1\n").section("optimizer");
  EXPECT_EQ(failure([&] { optimizer.number("learning_rate", 0.1, Range::positive()); }),
            "[config] a.yaml:4: optimizer.learning_rate: expected a number > 0, got -1");
}

TEST(ReaderTest, SaysEachRangeInWords) {
  Reader root = read("x: 7\n");
  const auto range_error = [&](Range range) { return failure([&] { root.number("x", 0, range); }); };
  EXPECT_EQ(range_error(Range::unit()), "[config] a.yaml:1: x: expected a number in [0, 1], got 7");
  EXPECT_EQ(range_error({.min = 0, .max = 7, .max_open = true}),
            "[config] a.yaml:1: x: expected a number in [0, 7), got 7");
  EXPECT_EQ(range_error(Range::at_least(7.5)), "[config] a.yaml:1: x: expected a number >= 7.5, got 7");
  EXPECT_EQ(range_error({.max = 7, .max_open = true}), "[config] a.yaml:1: x: expected a number < 7, got 7");
  EXPECT_EQ(range_error(Range::between(0, 7)), "no error");
}

TEST(ReaderTest, RefusesNonFiniteNumbersInEveryRange) {
  for (const std::string text : {".nan", ".inf", "-.inf", "1e999", ".NaN"}) {
    Reader root = read("x: " + text);
    EXPECT_EQ(failure([&] { root.number("x", 0); }), "[config] a.yaml:1: x: expected a finite number, got " + text);
  }
}

TEST(ReaderTest, RefusesWrongTypesAndSaysWhatCame) {
  Reader root = read("a: null\nb: [1]\nc: {d: 1}\ne: '5'\nf: x\ng: yes\nh: 1.5\n");
  EXPECT_EQ(failure([&] { root.number("a", 0); }), "[config] a.yaml:1: a: expected a finite number, got null");
  EXPECT_EQ(failure([&] { root.number("b", 0); }), "[config] a.yaml:2: b: expected a finite number, got a list");
  EXPECT_EQ(failure([&] { root.text("c", ""); }), "[config] a.yaml:3: c: expected text, got a mapping");
  EXPECT_EQ(failure([&] { root.integer("e", 0, 1); }),
            "[config] a.yaml:4: e: expected an integer >= 1, got the text '5'");
  EXPECT_EQ(failure([&] { root.number_or_null("f", 0); }),
            "[config] a.yaml:5: f: expected a finite number or null, got 'x'");
  EXPECT_EQ(failure([&] { root.boolean("g", true); }), "[config] a.yaml:6: g: expected true or false, got 'yes'");
  EXPECT_EQ(failure([&] { root.integer("h", 0, 0, 9); }),
            "[config] a.yaml:7: h: expected an integer in [0, 9], got 1.5");
  EXPECT_EQ(failure([&] { root.text("a", ""); }), "[config] a.yaml:1: a: expected text, got null");
}

TEST(ReaderTest, TakesQuotedScalarsForTextOnly) {
  Reader root = read("a: '5'\nb: \"true\"\n");
  EXPECT_EQ(failure([&] { root.number("a", 0); }), "[config] a.yaml:1: a: expected a finite number, got the text '5'");
  EXPECT_EQ(failure([&] { root.boolean("b", false); }), "[config] a.yaml:2: b: expected true or false, got 'true'");
  EXPECT_EQ(root.text("a", ""), "5");
}

TEST(ReaderTest, RefusesIntegersOutOfInt64) {
  Reader root = read("a: 9223372036854775808\nb: 1e300\n");
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(failure([&] { root.integer("a", 0, kLeast); }),
            "[config] a.yaml:1: a: expected an integer, got 9223372036854775808");
  EXPECT_EQ(failure([&] { root.integer("b", 0, kLeast); }), "[config] a.yaml:2: b: expected an integer, got 1e300");
}

TEST(ReaderTest, NamesTheBadItemOfAList) {
  Reader root = read("widths: [64, 0, 10]\n");
  EXPECT_EQ(failure([&] { root.integers("widths", {}, 1); }),
            "[config] a.yaml:1: widths: expected an integer >= 1 at index 1, got 0");
}

TEST(ReaderTest, TakesPlainNumbersAsText) {
  Reader root = read("name: 2024\nother: 'null'\n");
  EXPECT_EQ(root.text("name", ""), "2024");
  EXPECT_EQ(root.text_or_null("other", std::nullopt), "null");
}

TEST(ReaderTest, ListsKindsAndTheNearest) {
  Reader model = read("model: {kind: mpl}\n").section("model");
  EXPECT_EQ(failure([&] {
              model.choice("kind", "cnn", {"cnn", "mlp", "logistic"});
            }),
            "[config] a.yaml:1: model.kind: expected one of cnn, mlp, logistic, got 'mpl' (nearest: mlp)");
}

TEST(ReaderTest, NamesAnUnknownKeyAndTheNearestKnown) {
  Reader optimizer = read("optimizer:\n  learning_rat: 1\n").section("optimizer");
  optimizer.choice("kind", "sgd", {"sgd"});
  optimizer.number("learning_rate", 0.1);
  EXPECT_EQ(
      failure([&] { optimizer.finish(); }),
      "[config] a.yaml:2: optimizer.learning_rat: expected a known key, got 'learning_rat' (nearest: learning_rate)");
}

TEST(ReaderTest, SuggestsKeysThatWereOnlyAskedFor) {
  Reader run = read("run: {epoch: 2}\n").section("run");
  EXPECT_FALSE(run.has("epochs"));
  run.integer("steps", 1, 0);
  EXPECT_EQ(failure([&] { run.finish(); }),
            "[config] a.yaml:1: run.epoch: expected a known key, got 'epoch' (nearest: epochs)");
}

TEST(ReaderTest, AskingForAKeyIsNotReadingIt) {
  Reader root = read("a: 1\n");
  EXPECT_TRUE(root.has("a"));
  EXPECT_TRUE(root.is_scalar("a"));
  EXPECT_NE(failure([&] { root.finish(); }), "no error");
}

TEST(ReaderTest, FinishesItsOwnMappingOnly) {
  Reader root = read("a: {b: 1}\n");
  Reader a = root.section("a");
  EXPECT_NO_THROW(root.finish());
  EXPECT_NE(failure([&] { a.finish(); }), "no error");
}

TEST(ReaderTest, SharesWhatWasReadBetweenReadersOfOneSection) {
  Reader root = read("a: {b: 1, c: 2}\n");
  root.section("a").number("b", 0);
  Reader again = root.section("a");
  again.number("c", 0);
  EXPECT_NO_THROW(again.finish());
}

TEST(ReaderTest, ReadsAListOfMappingsWithTheirIndices) {
  Reader root = read("rules:\n  - {scale: 1}\n  - scale: two\n");
  std::vector<Reader> rules = root.list("rules");
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].number("scale", 0), 1);
  EXPECT_EQ(failure([&] { rules[1].number("scale", 0); }),
            "[config] a.yaml:3: rules.1.scale: expected a finite number, got 'two'");
  EXPECT_EQ(failure([&] { rules[0].fail("absent", "expected more"); }),
            "[config] a.yaml:2: rules.0.absent: expected more");
}

TEST(ReaderTest, RefusesSectionsAndListsOfOtherTypes) {
  Reader root = read("a: 1\nb:\nc: [1]\nd: {}\n");
  EXPECT_EQ(failure([&] { root.section("a"); }), "[config] a.yaml:1: a: expected a mapping, got 1");
  EXPECT_EQ(failure([&] { root.section("b"); }), "[config] a.yaml:2: b: expected a mapping, got null");
  EXPECT_EQ(failure([&] { root.list("c"); }), "[config] a.yaml:3: c.0: expected a mapping, got 1");
  EXPECT_EQ(failure([&] { root.list("d"); }), "[config] a.yaml:4: d: expected a list of mappings, got a mapping");
}

TEST(ReaderTest, RequiresAKey) {
  Reader data = read("run: {}\ndata: {kind: idx}\n").section("data");
  EXPECT_EQ(failure([&] { data.require("path"); }),
            "[config] a.yaml:2: data.path: expected a value, got nothing (the key is required)");
  EXPECT_NO_THROW(data.require("kind"));
}

TEST(ReaderTest, TellsWhatIsThere) {
  Reader root = read("n:\nm: {}\nl: []\ns: 1\n");
  EXPECT_TRUE(root.is_null("n") && root.is_mapping("m") && root.is_list("l") && root.is_scalar("s"));
  EXPECT_FALSE(root.is_null("m") || root.is_mapping("l") || root.is_list("s") || root.is_scalar("n"));
  EXPECT_FALSE(root.has("x") || root.is_null("x"));
}

TEST(ReaderTest, KeepsErrorsOnOneShortLine) {
  Reader root = read("x: \"a\\nb" + std::string(500, 'c') + "\"\n? \"k\\ney\"\n: 1\n");
  const std::string value_error = failure([&] { root.number("x", 0); });
  const std::string key_error = failure([&] { root.finish(); });
  EXPECT_EQ(value_error.find('\n'), std::string::npos);
  EXPECT_EQ(key_error.find('\n'), std::string::npos) << key_error;
  EXPECT_LT(value_error.size(), 150u);
}

}  // namespace
}  // namespace gradquake::config

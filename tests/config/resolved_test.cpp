#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "gradquake/config/document.h"

namespace gradquake::config {
namespace {

// Reads what a run reads, shaped like a real config.
void read_all(Document& document) {
  Reader root = document.root();
  Reader run = root.section("run");
  run.text("name", "digits");
  run.integer("seed", 1, 0);
  run.integer_or_word("threads", "auto", std::nullopt, 1);
  run.finish();
  Reader optimizer = root.section("optimizer");
  optimizer.number("learning_rate", 0.05, Range::positive());
  optimizer.number_or_null("clip_norm", std::nullopt);
  optimizer.section("schedule").choice("kind", "constant", {"constant", "cosine"});
  optimizer.finish();
  root.section("model").integers("widths", {64, 10}, 1);
  for (Reader& rule : root.list("perturbations")) {
    rule.text("sites", "*");
    rule.number("scale", 0.1);
    rule.boolean("enabled", true);
    Reader schedule = rule.section("schedule");
    schedule.integer("interval", 1, 1);
    schedule.integer_or_null("until", std::nullopt, 0);
    rule.finish();
  }
  root.section("empty");
  root.finish();
}

std::string resolve(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Document document = Document::parse(text, "a.yaml", overrides);
  read_all(document);
  return document.resolved();
}

TEST(ResolvedTest, HoldsDefaultsAndGivenValuesInReadingOrder) {
  EXPECT_EQ(
      resolve("perturbations: [{scale: 1e-9, sites: layers.0}, {}]\noptimizer: {learning_rate: 1}\n", {"run.seed=7"}),
      "run:\n"
      "  name: digits\n"
      "  seed: 7\n"
      "  threads: auto\n"
      "optimizer:\n"
      "  learning_rate: 1.0\n"
      "  clip_norm: null\n"
      "  schedule: {kind: constant}\n"
      "model:\n"
      "  widths: [64, 10]\n"
      "perturbations:\n"
      "  - sites: layers.0\n"
      "    scale: 1.0e-09\n"
      "    enabled: true\n"
      "    schedule: {interval: 1, until: null}\n"
      "  - sites: \"*\"\n"
      "    scale: 0.1\n"
      "    enabled: true\n"
      "    schedule: {interval: 1, until: null}\n"
      "empty: {}\n");
}

TEST(ResolvedTest, ResolvesToItself) {
  const std::string once =
      resolve("perturbations: [{}, {sites: 'a \"b\" # c: [d]'}]\nrun: {name: '2024', threads: 2}\n");
  EXPECT_EQ(resolve(once), once);
  const std::string defaults = resolve("{}");
  EXPECT_EQ(resolve(defaults), defaults);
}

TEST(ResolvedTest, KeepsEveryBitOfNumbers) {
  std::mt19937_64 bits(11);
  for (int i = 0; i < 500; ++i) {
    const double value = std::bit_cast<double>(bits());
    if (!std::isfinite(value)) continue;
    Document first = Document::parse("{}", "a.yaml");
    first.root().number("x", value);
    Document second = Document::parse(first.resolved(), "b.yaml");
    EXPECT_EQ(std::bit_cast<std::uint64_t>(second.root().number("x", 0)), std::bit_cast<std::uint64_t>(value));
  }
}

TEST(ResolvedTest, KeepsEveryTextWithoutControlCharacters) {
  const std::vector<std::string> pieces = {"a",
                                           " ",
                                           "\n",
                                           "\t",
                                           "\"",
                                           "'",
                                           "\\",
                                           "#",
                                           ": ",
                                           "-",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           ",",
                                           "&",
                                           "*",
                                           "!",
                                           "|",
                                           ">",
                                           "%",
                                           "@",
                                           "`",
                                           "?",
                                           "~",
                                           "null",
                                           "1",
                                           "\xc3\xa9",
                                           "\xe2\x80\xa8",
                                           "\xf0\x9f\x8c\x8b",
                                           "\xc2\x85",
                                           "\xef\xbb\xbf",
                                           "\n\n",
                                           "---",
                                           "..."};
  std::mt19937 random(5);
  for (int i = 0; i < 5000; ++i) {
    std::string value;
    for (std::size_t n = random() % 8; n > 0; --n) value += pieces[random() % pieces.size()];
    Document first = Document::parse("{}", "a.yaml");
    first.root().section("s").text("t", value);
    first.root().section("s").text(value + "k", "v");
    Document second = Document::parse(first.resolved(), "b.yaml");
    EXPECT_EQ(second.root().section("s").text("t", "other"), value) << first.resolved();
    EXPECT_TRUE(second.root().section("s").has(value + "k")) << first.resolved();
  }
}

TEST(ResolvedTest, TakesReplacements) {
  Document document = Document::parse("run: {threads: auto}\n", "a.yaml");
  Reader run = document.root().section("run");
  run.integer_or_word("threads", "auto", std::nullopt, 1);
  run.integer("seed", 1, 0);
  run.set_resolved("threads", std::int64_t{2});
  run.set_resolved("name", "x");
  run.set_resolved("rate", 0.5);
  EXPECT_EQ(document.resolved(), "run:\n  threads: 2\n  seed: 1\n  name: x\n  rate: 0.5\n");
}

TEST(ResolvedTest, WritesLongMappingsAndNestedListsAsBlocks) {
  Document document = Document::parse("{}", "a.yaml");
  Reader inner = document.root().section("a").section("b");
  for (int i = 0; i < 10; ++i) inner.text("key" + std::to_string(i), "a rather long text");
  document.root().numbers("top", {1, 2});
  const std::string text = document.resolved();
  EXPECT_NE(text.find("  b:\n    key0: \"a rather long text\"\n    key1:"), std::string::npos) << text;
  EXPECT_NE(text.find("\ntop: [1.0, 2.0]\n"), std::string::npos) << text;
}

TEST(ResolvedTest, IsAnEmptyMappingBeforeAnythingIsRead) {
  EXPECT_EQ(Document::parse("a: 1", "a.yaml").resolved(), "{}\n");
}

TEST(ResolvedTest, OutlivesTheDocumentInItsReaders) {
  Reader root = Document::parse("a: {b: 3}", "a.yaml").root();
  EXPECT_EQ(root.section("a").integer("b", 0, 0), 3);
}

}  // namespace
}  // namespace gradquake::config

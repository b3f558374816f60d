#include "gradquake/config/document.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "failure.h"

namespace gradquake::config {
namespace {

std::string parse_failure(const std::string& text) {
  return failure([&] { Document::parse(text, "a.yaml"); });
}

void expect_failure(const std::string& text, const std::string& part) {
  const std::string message = parse_failure(text);
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(message.find("[config] a.yaml"), 0u) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(DocumentTest, LoadsAFile) {
  const std::string path = testing::TempDir() + "gradquake_document_test.yaml";
  std::ofstream(path) << "a: 1\n";
  EXPECT_EQ(Document::load(path, {"b=2"}).root().integer("b", 0, 0), 2);
  std::filesystem::remove(path);
}

TEST(DocumentTest, RefusesAMissingFileAndADirectory) {
  EXPECT_EQ(failure([] { Document::load("no/such.yaml"); }),
            "[config] no/such.yaml: expected a readable YAML file, got: No such file or directory");
  const std::string folder = testing::TempDir();
  EXPECT_EQ(failure([&] { Document::load(folder); }), "[config] " + folder + ": expected a YAML file, got a directory");
  EXPECT_NE(failure([] { Document::load(""); }), "no error");
}

TEST(DocumentTest, RefusesWhatIsNoMapping) {
  expect_failure("", "a.yaml: expected a mapping of keys to values, got nothing");
  expect_failure("# a comment\n", "got nothing");
  expect_failure("---\n", "got nothing");
  expect_failure("- 1\n", "a.yaml:1: expected a mapping of keys to values, got a list");
  expect_failure("\nhello\n", "a.yaml:2: expected a mapping of keys to values, got 'hello'");
}

TEST(DocumentTest, RefusesDuplicateKeysWithBothLines) {
  expect_failure("run: {}\na: 1\nrun: {}\n",
                 "a.yaml:3: expected each key once, got a second 'run' (the first is on line 1)");
  expect_failure("a: {b: 1, 'b': 2}\n", "got a second 'b'");
}

TEST(DocumentTest, ExpandsAliases) {
  Reader root = Document::parse("a: &x {n: 1}\nb: *x\nl: [&y 2, *y]\n", "a.yaml").root();
  EXPECT_EQ(root.section("b").integer("n", 0, 0), 1);
  EXPECT_EQ(root.integers("l", {}, 0), (std::vector<std::int64_t>{2, 2}));
}

TEST(DocumentTest, RefusesUndefinedAndCircularAliases) {
  expect_failure("a: 1\nb: *x\n", "a.yaml:2: expected YAML");
  expect_failure("a: &x [*x]\n", "a.yaml:1: expected a complete value, got an alias of its own anchor");
}

TEST(DocumentTest, RefusesAnAliasBomb) {
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += before + (j < 9 ? " , " : " ]\n");
  }
  expect_failure(bomb, "expected at most 100000 values and 10 MB with aliases expanded, got more");
}

TEST(DocumentTest, RefusesABombOfLongText) {
  std::string bomb = "a: &a '" + std::string(1 << 20, 'x') + "'\nb: [";
  for (int i = 0; i < 1000; ++i) bomb += "*a , ";
  expect_failure(bomb + "1]\n", "10 MB with aliases expanded, got more");
}

TEST(DocumentTest, CountsTheCopiesThatNestedAnchorsKeep) {
  std::string nested = "a: ";
  for (int i = 0; i < 40; ++i) nested += "&x" + std::to_string(i) + " [";
  expect_failure(nested + "'" + std::string(1 << 20, 'x') + "'" + std::string(40, ']'),
                 "10 MB with aliases expanded, got more");
}

TEST(DocumentTest, RefusesLargeFiles) {
  expect_failure("a: " + std::string(11u << 20, 'x'), "expected at most 10 MB, got a larger file");
}

TEST(DocumentTest, RefusesDeepNestingOfEveryKind) {
  const auto repeated = [](const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) result += text;
    return result;
  };
  for (const int levels : {65, 500, 100'000}) {
    for (const char* text : {"[", "{a: ", "- ", "? ", "[a: ", "{? [", "&a [", "! ["}) {
      expect_failure("a: " + repeated(text, levels), "a.yaml");
      expect_failure(repeated(text, levels), "a.yaml");
    }
  }
  expect_failure("a: " + repeated("[", 64) + repeated("]", 64), "expected at most 64 levels of nesting, got more");
  EXPECT_EQ(parse_failure("a: " + repeated("[", 63) + repeated("]", 63)), "no error");
}

TEST(DocumentTest, CountsLevelsThroughAliases) {
  std::string text = "a0: &a0 [1]\n";
  for (int i = 1; i < 70; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + " ]\n";
  }
  expect_failure(text, "expected at most 64 levels of nesting, got more");
}

TEST(DocumentTest, RefusesTabsAsIndentation) {
  expect_failure("a:\n\tb: 1\n", "a.yaml:2: expected spaces as indentation, got a tab");
}

TEST(DocumentTest, RefusesBytesThatAreNoText) {
  expect_failure(std::string("a: 1\nb: \0\n", 10), "a.yaml:2: expected text, got the control character 0x00");
  expect_failure("a: \x04\n", "got the control character 0x04");
  expect_failure("a: \"\\0\"\n", "expected text without control characters");
  for (const char* bad :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "\xf0\x80\x80\x80"}) {
    expect_failure(std::string("a: 1\n\nb: '") + bad + "'\n", "a.yaml:3: expected UTF-8 text, got the byte 0x");
  }
}

TEST(DocumentTest, ReadsUtf8MarksAndCrLf) {
  Reader root = Document::parse(
                    "\xEF\xBB\xBF"
                    "a: caf\xc3\xa9\r\nb: 2\r\n",
                    "a.yaml")
                    .root();
  EXPECT_EQ(root.text("a", ""), "caf\xc3\xa9");
  EXPECT_EQ(root.place("b"), "a.yaml:2");
}

TEST(DocumentTest, RefusesYamlBeyondAPlainConfig) {
  expect_failure("a: !!python/object x\n", "expected a value without a tag");
  expect_failure("<<: {a: 1}\n", "expected a key, got a merge '<<'");
  expect_failure("a: 1\n---\nb: 2\n", "a.yaml:2: expected one document, got more text after it");
  expect_failure("{[1]: 2}\n", "expected a key, got null, a list or a mapping");
  expect_failure("? \n: 2\n", "expected a key, got null, a list or a mapping");
  expect_failure("a: [1, 2\nb: 3\n", "expected YAML");
  expect_failure("a: 'x\n", "expected YAML");
  expect_failure("a: b: c\n", "expected YAML");
}

TEST(DocumentTest, RefusesAQuoteThatIsNeverClosed) {
  for (const char* text : {"a: 'x", "a: 'x\n", "a: \"x\n\nb: 1\n", "a: ['x", "'a", "a: \"\\", "a: 'x''\n"}) {
    expect_failure(text, "expected YAML");
  }
  expect_failure("a: 1\nb: 'x\nc: 2\n", "a.yaml:2: expected YAML, got a quote that is never closed");
}

TEST(DocumentTest, EndsAtAnEndMark) {
  EXPECT_EQ(parse_failure("---\na: 1\n...\n"), "no error");
  EXPECT_EQ(parse_failure("a: 1\n...\n...\n# the end"), "no error");
  EXPECT_EQ(Document::parse("a: |+\n  x\n\n", "a.yaml").root().text("a", ""), "x\n\n");
}

TEST(DocumentTest, NamesTheLineOfKeysInBlocksAndAfterText) {
  Reader root = Document::parse("# one\na: |\n  x\n  y\n\nb:\n\n  c: 'q\n\n   r'\n  d: 1\n", "a.yaml").root();
  EXPECT_EQ(root.place("a"), "a.yaml:2");
  EXPECT_EQ(root.place("b"), "a.yaml:6");
  EXPECT_EQ(root.section("b").place("c"), "a.yaml:8");
  EXPECT_EQ(root.section("b").place("d"), "a.yaml:11");
  EXPECT_EQ(root.section("b").place("absent"), "a.yaml:6");
}

}  // namespace
}  // namespace gradquake::config

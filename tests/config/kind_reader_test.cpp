#include "gradquake/config/kind_reader.h"

#include <gtest/gtest.h>

#include <functional>

#include "gradquake/config/document.h"
#include "gradquake/core/error.h"

namespace gradquake::config {
namespace {

using Maker = std::function<int(const KindSpec&)>;

int made(const KindSpec&) { return 1; }

const KindGroup& shapes() {
  static Registry<Maker> registry(
      "shape", {{{"point", "no size"}, made},
                {{"disc", "round", {Parameter::number("radius", "from the middle").in(Range::positive())}}, made},
                {{"ring", "round, with a hole", {Parameter::number("width", "of the band").by_default(1)}}, made}});
  return registry;
}

const KindGroup& pictures() {
  static Registry<Maker> registry(
      "picture",
      {{{"plain", "one colour", {Parameter::choice("colour", {"red", "blue"}, "which").by_default("red")}}, made},
       {{"drawn",
         "of shapes",
         {Parameter::text("title", "its name"), Parameter::flag("framed", "in a frame").by_default(false),
          Parameter::number("frame", "its width").by_default(0.5).only_with("framed"),
          Parameter::kind("shape", shapes, "what is drawn").by_default("point"),
          Parameter::kind("border", shapes, "what is drawn around").by_default("ring"),
          Parameter::mappings("strokes",
                              {Parameter::integer("length", "of one").at_least(1),
                               Parameter::flag("thick", "twice as wide").by_default(false)},
                              "in order")
              .by_default(std::vector<KindSpec>{}),
          Parameter::texts("tags", "words").by_default(std::vector<std::string>{}),
          Parameter::integer("copies", "null: as many as wanted").at_least(1).or_null(),
          Parameter::path("file", "a file").optional()},
         [](const KindSpec& spec) -> std::optional<KindProblem> {
           if (spec.text("title") != "untitled") return std::nullopt;
           return KindProblem{"title", "expected a title, got 'untitled'"};
         }},
        made},
       {{"hung",
         "on a wall",
         {Parameter::kind("nail", shapes, "what holds it").by_default(KindSpec{"disc", {{"radius", 2.0}}})}},
        made}});
  return registry;
}

KindSpec read(const std::string& yaml, std::string* resolved = nullptr) {
  Document document = Document::parse(yaml, "a.yaml");
  Reader root = document.root();
  const KindSpec spec = read_kind(root, pictures(), "plain");
  root.finish();
  if (resolved != nullptr) *resolved = document.resolved();
  return spec;
}

std::string failure(const std::string& yaml) {
  try {
    read(yaml);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(KindReaderTest, DefaultsComeFromTheDeclarationInItsOrder) {
  std::string resolved;
  EXPECT_EQ(read("{}", &resolved).text("colour"), "red");
  EXPECT_EQ(resolved, "kind: plain\ncolour: red\n");
  read("kind: drawn\ntitle: t\n", &resolved);
  EXPECT_EQ(resolved,
            "kind: drawn\ntitle: t\nframed: false\nshape: point\nborder:\n  kind: ring\n  width: 1.0\n"
            "strokes: []\ntags: []\ncopies: null\n");
}

TEST(KindReaderTest, EveryTypeIsReadAndReadsBackTheSame) {
  std::string resolved, again;
  const KindSpec spec = read(
      "{kind: drawn, title: a b, framed: true, shape: {kind: disc, radius: 2}, border: ring, strokes: [{length: 3}, "
      "{length: 4, thick: true}], tags: [x, y], copies: 2, file: f.txt}",
      &resolved);
  EXPECT_EQ(spec.number("frame"), 0.5);
  EXPECT_EQ(spec.nested("shape").number("radius"), 2);
  EXPECT_EQ(spec.nested("border").number("width"), 1);
  EXPECT_TRUE(spec.mappings("strokes").at(1).flag("thick"));
  EXPECT_EQ(spec.texts("tags"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(spec.optional_integer("copies"), 2);
  EXPECT_EQ(spec.text("file"), "f.txt");
  EXPECT_EQ(words_of(read(resolved, &again)), words_of(spec));
  EXPECT_EQ(again, resolved);
  EXPECT_EQ(words_of(pictures().complete(spec)), words_of(spec));
}

TEST(KindReaderTest, ANestedDefaultBringsItsValuesWhereTheKeyIsLeftOut) {
  std::string resolved, again;
  EXPECT_EQ(read("kind: hung\n", &resolved).nested("nail").number("radius"), 2);
  EXPECT_EQ(resolved, "kind: hung\nnail:\n  kind: disc\n  radius: 2.0\n");
  read(resolved, &again);
  EXPECT_EQ(again, resolved);
  EXPECT_EQ(read("kind: hung\nnail: {radius: 3}\n").nested("nail").number("radius"), 3);
  EXPECT_EQ(read("kind: hung\nnail: ring\n").nested("nail").number("width"), 1);
  EXPECT_EQ(failure("kind: hung\nnail: {kind: disc}\n"),
            "[config] a.yaml:2: nail.radius: expected a value, got nothing (the key is required)");
}

TEST(KindReaderTest, EachMistakeStandsAtItsKey) {
  EXPECT_EQ(failure("kind: drawm\n"),
            "[config] a.yaml:1: kind: expected one of plain, drawn, hung, got 'drawm' (nearest: drawn)");
  EXPECT_EQ(failure("kind: drawn\n"), "[config] a.yaml:1: title: expected a value, got nothing (the key is required)");
  EXPECT_EQ(failure("kind: drawn\ntitle: t\nframe: 1\n"),
            "[config] a.yaml:3: frame: expected a known key, got 'frame' (nearest: framed)");
  EXPECT_EQ(failure("kind: drawn\ntitle: untitled\n"), "[config] a.yaml:2: title: expected a title, got 'untitled'");
  EXPECT_EQ(failure("kind: drawn\ntitle: t\nshape: disc\n"),
            "[config] a.yaml:3: shape: expected a mapping {kind: disc, radius: ...}, got 'disc'");
  EXPECT_EQ(failure("kind: drawn\ntitle: t\nshape: {kind: disc, radius: 0}\n"),
            "[config] a.yaml:3: shape.radius: expected a number > 0, got 0");
  EXPECT_EQ(failure("kind: drawn\ntitle: t\nstrokes:\n  - {length: 1}\n  - {length: 0}\n"),
            "[config] a.yaml:5: strokes.1.length: expected an integer >= 1, got 0");
  EXPECT_EQ(failure("kind: drawn\ntitle: t\nfile: ''\n"), "[config] a.yaml:3: file: expected a file, got ''");
  EXPECT_EQ(failure("kind: drawn\ntitle: t\ncopies: x\n"),
            "[config] a.yaml:3: copies: expected an integer >= 1 or null, got 'x'");
  EXPECT_EQ(failure("colour: rad\n"), "[config] a.yaml:1: colour: expected one of red, blue, got 'rad' (nearest: red)");
}

TEST(KindReaderTest, WithoutADefaultAKindIsRequired) {
  Document document = Document::parse("{}", "a.yaml");
  Reader root = document.root();
  EXPECT_THROW(read_kind(root, pictures(), ""), UserError);
}

}  // namespace
}  // namespace gradquake::config

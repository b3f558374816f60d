#include <gtest/gtest.h>

#include "failure.h"
#include "gradquake/config/document.h"

namespace gradquake::config {
namespace {

constexpr const char* kConfig =
    "run: {seed: 1, steps: 10}\n"
    "perturbations:\n"
    "  - {label: a, scale: 1}\n"
    "  - {label: b, scale: 2}\n";

Document with(const std::vector<std::string>& overrides) { return Document::parse(kConfig, "a.yaml", overrides); }
std::string failure_with(const std::string& override_text) {
  return failure([&] { with({override_text}); });
}

TEST(OverridesTest, ReplaceAValue) { EXPECT_EQ(with({"run.seed=3"}).root().section("run").integer("seed", 0, 0), 3); }

TEST(OverridesTest, CreateMissingMappings) {
  Reader shadow = with({"monitor.shadow.interval=5"}).root().section("monitor").section("shadow");
  EXPECT_EQ(shadow.integer("interval", 1, 0), 5);
}

TEST(OverridesTest, StepIntoLists) {
  EXPECT_EQ(with({"perturbations.1.scale=3"}).root().list("perturbations")[1].number("scale", 0), 3);
}

TEST(OverridesTest, TakeAnyYaml) {
  EXPECT_TRUE(with({"perturbations=[]"}).root().list("perturbations").empty());
  auto rules = with({"perturbations=[{label: c, schedule: {kind: at, steps: [1, 2]}}]"}).root().list("perturbations");
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].section("schedule").integers("steps", {}, 0), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(with({"perturbations.0={label: d}"}).root().list("perturbations")[0].text("label", ""), "d");
}

TEST(OverridesTest, KeepEqualsSignsInTheValue) {
  EXPECT_EQ(with({"run.name=a=b"}).root().section("run").text("name", ""), "a=b");
}

TEST(OverridesTest, ReadAnEmptyValueAsNull) { EXPECT_TRUE(with({"run="}).root().is_null("run")); }

TEST(OverridesTest, LetTheLastOneWin) {
  EXPECT_EQ(with({"run.seed=3", "run.seed=4"}).root().section("run").integer("seed", 0, 0), 4);
}

TEST(OverridesTest, AreNamedAsThePlace) {
  Reader run = with({"run.seed=-1"}).root().section("run");
  EXPECT_EQ(failure([&] { run.integer("seed", 0, 0); }),
            "[config] override 'run.seed=-1': run.seed: expected an integer >= 0, got -1");
  EXPECT_EQ(run.place("steps"), "a.yaml:1");
}

TEST(OverridesTest, AreNamedWhereTheirKeyIsUnknown) {
  Reader run = with({"run.sed=1"}).root().section("run");
  run.integer("seed", 0, 0);
  run.integer("steps", 0, 0);
  EXPECT_EQ(failure([&] { run.finish(); }),
            "[config] override 'run.sed=1': run.sed: expected a known key, got 'sed' (nearest: seed)");
}

TEST(OverridesTest, RefuseToStepThroughAScalar) {
  EXPECT_EQ(failure_with("run.seed.x=1"),
            "[config] override 'run.seed.x=1': run.seed: expected a mapping or a list to step into, got 1");
}

TEST(OverridesTest, RefuseABadIndex) {
  EXPECT_EQ(failure_with("perturbations.2.scale=1"),
            "[config] override 'perturbations.2.scale=1': perturbations.2: expected an index from 0 to 1, got '2'");
  EXPECT_EQ(failure_with("perturbations.x=1"),
            "[config] override 'perturbations.x=1': perturbations.x: expected an index from 0 to 1, got 'x'");
  EXPECT_NE(failure_with("perturbations.-1=1"), "no error");
  EXPECT_NE(failure_with("perturbations.99999999999999999999=1"), "no error");
}

TEST(OverridesTest, RefuseWhatIsNoKeyEqualsValue) {
  EXPECT_EQ(failure_with("run.seed"), "[config] override 'run.seed': expected dotted.key=value, got no '='");
  for (const char* text : {"=1", ".=1", "run..seed=1", "run.=1", ".run=1"}) {
    EXPECT_NE(failure_with(text).find("expected dotted.key=value, got an empty key"), std::string::npos) << text;
  }
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) deep += ".a";
  EXPECT_NE(failure_with(deep + "=1").find("expected at most 64 levels"), std::string::npos);
}

TEST(OverridesTest, RefuseBadYamlAndBadBytes) {
  EXPECT_NE(failure_with("run.seed=[1")
                .find("[config] override 'run.seed=[1': expected a key, got null, a list or a mapping (is a bracket"),
            std::string::npos);
  EXPECT_NE(failure_with("run.seed=\xff").find("expected UTF-8"), std::string::npos);
  EXPECT_NE(failure_with("run.\xff=1").find("expected UTF-8"), std::string::npos);
  EXPECT_NE(failure_with("run={seed: 1, seed: 2}").find("expected each key once"), std::string::npos);
}

TEST(OverridesTest, HintAtQuotesForAGlob) {
  EXPECT_NE(failure_with("perturbations.0.sites=*").find("quote text that starts with *"), std::string::npos);
}

TEST(ExclusiveTest, AnOverrideOfOneRemovesTheOther) {
  Document document = with({"run.epochs=2"});
  document.exclusive("run.steps", "run.epochs");
  Reader run = document.root().section("run");
  EXPECT_FALSE(run.has("steps"));
  EXPECT_EQ(run.integer("epochs", 0, 0), 2);
  EXPECT_EQ(run.integer("seed", 0, 0), 1);
}

TEST(ExclusiveTest, TheLaterOverrideWins) {
  Document document = with({"run.epochs=2", "run.steps=7"});
  document.exclusive("run.steps", "run.epochs");
  EXPECT_FALSE(document.root().section("run").has("epochs"));
}

TEST(ExclusiveTest, BothInTheFileAreRefused) {
  Document document = Document::parse("run:\n  steps: 1\n  epochs: 2\n", "a.yaml");
  EXPECT_EQ(failure([&] { document.exclusive("run.steps", "run.epochs"); }),
            "[config] a.yaml:3: run.epochs: expected at most one of run.steps and run.epochs, got both (the other at "
            "a.yaml:2)");
}

TEST(ExclusiveTest, LeavesOneAloneAndNoneAlone) {
  Document one = with({});
  one.exclusive("run.steps", "run.epochs");
  EXPECT_TRUE(one.root().section("run").has("steps"));
  EXPECT_NO_THROW(Document::parse("{}", "a.yaml").exclusive("run.steps", "run.epochs"));
}

}  // namespace
}  // namespace gradquake::config

#include "gradquake/run/kind_groups.h"

#include <gtest/gtest.h>

#include <set>

#include "gradquake/core/error.h"

namespace gradquake::run {
namespace {

TEST(KindGroupsTest, EveryGroupHasAName) {
  std::set<std::string> names;
  for (const KindGroup* group : kind_groups()) names.insert(group->name());
  EXPECT_EQ(names.size(), kind_groups().size());
  EXPECT_TRUE(names.contains("perturbation") && names.contains("optimizer") && names.contains("model"));
}

TEST(KindGroupsTest, EveryKindAndKeySaysWhatItIs) {
  for (const KindGroup* group : kind_groups()) {
    for (const KindInfo& kind : group->kinds()) {
      EXPECT_FALSE(kind.summary.empty()) << group->name() << ' ' << kind.name;
      for (const Parameter& parameter : kind.parameters) {
        EXPECT_FALSE(parameter.meaning.empty()) << group->name() << ' ' << kind.name << ' ' << parameter.name;
      }
    }
  }
}

TEST(KindGroupsTest, TheJsonListsEveryKindWithEveryKey) {
  for (const KindGroup* group : kind_groups()) {
    const auto json = group_json(*group);
    EXPECT_EQ(json["group"], group->name());
    ASSERT_EQ(json["kinds"].size(), group->kinds().size());
    for (std::size_t i = 0; i < group->kinds().size(); ++i) {
      EXPECT_EQ(json["kinds"][i]["name"], group->kinds()[i].name);
      EXPECT_EQ(json["kinds"][i]["parameters"].size(), group->kinds()[i].parameters.size());
    }
  }
  const auto scale = kind_json(group_named("perturbation").find("gaussian"))["parameters"][0];
  EXPECT_EQ(scale["name"], "scale");
  EXPECT_EQ(scale["type"], "number");
  EXPECT_EQ(scale["required"], false);
  EXPECT_EQ(scale["default"], 0.1);
  EXPECT_EQ(scale["allowed"], "a number >= 0");
  EXPECT_EQ(kind_json(group_named("schedule").find("once"))["parameters"][0]["required"], true);
}

TEST(KindGroupsTest, TheTextNamesEveryKeyAndItsDefault) {
  const std::string text = kind_text(group_named("schedule").find("every"));
  for (const char* part : {"interval", "an integer >= 1", "until", "or null", "amplitude", "constant"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(KindGroupsTest, AnUnknownNameIsTheCallersMistakeAndNamesTheNearest) {
  const auto error_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(error_of([] { group_named("schedul"); }).find("(nearest: schedule)"), std::string::npos);
  EXPECT_NE(error_of([] { kind_named(group_named("schedule"), "budgt"); }).find("(nearest: budget)"),
            std::string::npos);
}

}  // namespace
}  // namespace gradquake::run

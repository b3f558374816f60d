#include "gradquake/hooks/sites/glob.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>

#include "gradquake/hooks/sites/beneath.h"

namespace gradquake {
namespace {

// What a glob means, spelled out by recursion; sets without ranges.
bool matches_by_recursion(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    return matches_by_recursion(pattern.substr(1), name) ||
           (!name.empty() && matches_by_recursion(pattern, name.substr(1)));
  }
  if (name.empty()) return false;
  if (pattern[0] != '[') {
    return (pattern[0] == '?' || pattern[0] == name[0]) && matches_by_recursion(pattern.substr(1), name.substr(1));
  }
  const std::size_t close = pattern.find(']');
  const bool negated = pattern[1] == '!';
  const std::string_view members = pattern.substr(negated ? 2 : 1, close - (negated ? 2 : 1));
  return (members.find(name[0]) != std::string_view::npos) != negated &&
         matches_by_recursion(pattern.substr(close + 1), name.substr(1));
}

TEST(GlobTest, APlainNameMatchesItselfOnly) {
  EXPECT_TRUE(glob_matches("layers.2", "layers.2"));
  EXPECT_FALSE(glob_matches("layers.2", "layers.20"));
  EXPECT_FALSE(glob_matches("layers.2", "xlayers.2"));
  EXPECT_FALSE(glob_matches("layers.2", "layers_2"));
  EXPECT_FALSE(glob_matches("layers.2", ""));
}

TEST(GlobTest, AStarMatchesAnyCharactersDotsIncludedOrNone) {
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("*", "encoder.0.norm"));
  EXPECT_TRUE(glob_matches("layers.*", "layers.0.norm"));
  EXPECT_TRUE(glob_matches("layers*", "layers"));
  EXPECT_TRUE(glob_matches("*.norm", "layers.0.norm"));
  EXPECT_TRUE(glob_matches("l*0*m", "layers.0.norm"));
  EXPECT_FALSE(glob_matches("layers.*", "layers"));
  EXPECT_FALSE(glob_matches("*.norm", "layers.0.norm1"));
}

TEST(GlobTest, AQuestionMarkMatchesExactlyOneCharacter) {
  EXPECT_TRUE(glob_matches("fc?", "fc1"));
  EXPECT_TRUE(glob_matches("fc?", "fc."));
  EXPECT_FALSE(glob_matches("fc?", "fc"));
  EXPECT_FALSE(glob_matches("fc?", "fc12"));
  EXPECT_TRUE(glob_matches("?*", "a"));
  EXPECT_FALSE(glob_matches("?*", ""));
}

TEST(GlobTest, ASetMatchesOneOfItsCharactersOrRanges) {
  EXPECT_TRUE(glob_matches("layers.[12]", "layers.1"));
  EXPECT_FALSE(glob_matches("layers.[12]", "layers.3"));
  EXPECT_FALSE(glob_matches("layers.[12]", "layers.12"));
  EXPECT_TRUE(glob_matches("f[a-cx]", "fb"));
  EXPECT_TRUE(glob_matches("f[a-cx]", "fx"));
  EXPECT_FALSE(glob_matches("f[a-cx]", "fd"));
  EXPECT_FALSE(glob_matches("f[a-cx]", "f-"));
  EXPECT_TRUE(glob_matches("f[0-9]*", "f10"));
}

TEST(GlobTest, ANegatedSetMatchesEverythingElse) {
  EXPECT_FALSE(glob_matches("fc[!12]", "fc1"));
  EXPECT_TRUE(glob_matches("fc[!12]", "fc3"));
  EXPECT_TRUE(glob_matches("fc[!0-9]", "fcx"));
  EXPECT_FALSE(glob_matches("fc[!0-9]", "fc7"));
  EXPECT_FALSE(glob_matches("fc[!0-9]", "fc"));
}

TEST(GlobTest, SpecialCharactersInASetStandForThemselves) {
  EXPECT_TRUE(glob_matches("a[*]b", "a*b"));
  EXPECT_FALSE(glob_matches("a[*]b", "axb"));
  EXPECT_TRUE(glob_matches("a[?[]", "a["));
  EXPECT_TRUE(glob_matches("a[]x]", "a]"));
  EXPECT_TRUE(glob_matches("a[!]x]", "ay"));
  EXPECT_TRUE(glob_matches("a[x-]", "a-"));
  EXPECT_TRUE(glob_matches("f1@weight", "f1@weight"));
}

TEST(GlobTest, WhatOnlyShellsKnowStandsForItself) {
  EXPECT_TRUE(glob_matches("a[^b]", "a^"));
  EXPECT_TRUE(glob_matches("a[^b]", "ab"));
  EXPECT_FALSE(glob_matches("a[^b]", "ac"));
  EXPECT_TRUE(glob_matches("a[[:digit:]", "a:"));
  EXPECT_FALSE(glob_matches("a[[:digit:]", "a7"));
  EXPECT_TRUE(glob_matches("a\\*", "a\\b"));
  EXPECT_FALSE(glob_matches("a\\*", "a*"));
  EXPECT_TRUE(glob_matches("a[\\]b", "a\\b"));
  EXPECT_TRUE(glob_matches("*", ".hidden/path"));
}

TEST(GlobTest, AMalformedPatternIsRefused) {
  for (const char* pattern : {"", "[", "layers.[12", "layers.[]", "layers.[!]", "a[z-a]", "ok*[", "a[!9-0]b"}) {
    EXPECT_THROW(glob_matches(pattern, "layers.1"), std::invalid_argument) << pattern;
    EXPECT_THROW(glob_matches(pattern, ""), std::invalid_argument) << pattern;
  }
}

TEST(GlobTest, ItAgreesWithTheRecursiveDefinitionOnRandomPatterns) {
  std::mt19937 random(7);
  const char* pieces[] = {"a", "b", ".", "*", "*", "?", "[ab]", "[!a]", "[.b]"};
  int matched = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string pattern, name;
    for (auto i = 0ul, n = 1 + random() % 6; i < n; ++i) pattern += pieces[random() % 9];
    for (auto i = 0ul, n = random() % 7; i < n; ++i) name += "ab."[random() % 3];
    const bool expected = matches_by_recursion(pattern, name);
    ASSERT_EQ(glob_matches(pattern, name), expected) << pattern << " on " << name;
    matched += expected;
  }
  EXPECT_GT(matched, 2000);
}

TEST(GlobTest, ManyStarsDoNotTakeExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "a*";
  pattern += "b";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_matches(pattern, std::string(2000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(GlobTest, OnlyAPatternWithoutWildcardsIsAPlainName) {
  EXPECT_TRUE(is_plain_name("layers.2"));
  EXPECT_FALSE(is_plain_name("layers.*"));
  EXPECT_FALSE(is_plain_name("layers.?"));
  EXPECT_FALSE(is_plain_name("layers.[2]"));
}

TEST(GlobTest, AnOperatorBeneathAModuleIsMatchedByPatternsWithAColonAlone) {
  EXPECT_FALSE(glob_matches("*", "features.3.conv:aten.conv2d"));
  EXPECT_TRUE(glob_matches("*:*", "features.3.conv:aten.conv2d"));
  EXPECT_TRUE(glob_matches("features.3.*:aten.conv*", "features.3.conv:aten.conv2d"));
  EXPECT_TRUE(glob_matches("*:aten.add.1", ":aten.add.1"));
  EXPECT_TRUE(lies_beneath("lstm:aten.lstm#0"));
  for (const char* own : {"query: 2", "query:2", "a:", ":.", "scope: a.b"}) {
    EXPECT_FALSE(lies_beneath(own)) << own;
    EXPECT_TRUE(glob_matches("*", own)) << own;
  }
}

TEST(GlobTest, WhatAnOperatorReadsOrKeepsIsMatchedByPatternsThatSaySo) {
  EXPECT_EQ(input_name("fc", 0, 1), "fc:input");
  EXPECT_EQ(input_name("fc:aten.add", 1, 2), "fc:aten.add:input.1");
  EXPECT_EQ(saved_name("fc", 0), "fc:saved.0");
  for (const char* name : {"fc:input", "fc:aten.add:input.1", "fc:saved.0", "fc:aten.add:saved.10"}) {
    EXPECT_TRUE(lies_beneath(name)) << name;
    EXPECT_FALSE(glob_matches("*", name)) << name;
    EXPECT_FALSE(glob_matches("*:aten.add*", name)) << name;
    EXPECT_EQ(is_saved_name(name), std::string(name).find("saved") != std::string::npos) << name;
    EXPECT_EQ(glob_matches("*:input*", name), !is_saved_name(name)) << name;
    EXPECT_EQ(glob_matches("*:saved.*", name), is_saved_name(name)) << name;
  }
  EXPECT_FALSE(is_saved_name("a:saved"));
  EXPECT_FALSE(is_saved_name("a:saved.x"));
  EXPECT_TRUE(glob_matches("*", "a:saved"));
}

}  // namespace
}  // namespace gradquake

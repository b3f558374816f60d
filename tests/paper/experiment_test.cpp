// The reproduction kept in experiments/paper: what it says it expects, what it found and what its README shows agree.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace gradquake::paper {
namespace {

const std::string kFolder = std::string(GRADQUAKE_SOURCE_DIR) + "/experiments/paper/";

std::string content(const std::string& name) {
  std::ifstream file(kFolder + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(PaperExperimentTest, TheKeptClaimsAreTheExpectedOnes) {
  const auto expected = nlohmann::json::parse(content("expected.json")).at("claims");
  const auto claims = nlohmann::json::parse(content("claims.json")).at("claims");
  EXPECT_EQ(claims.size(), expected.size());
  for (const auto& claim : claims) {
    const auto id = claim.at("claim").get<std::string>();
    SCOPED_TRACE(id);
    const auto verdict = claim.at("verdict").get<std::string>();
    const auto begins = expected.at(id).at("verdict").get<std::string>();
    if (begins == "holds") {
      EXPECT_EQ(verdict, begins);
    } else {
      EXPECT_EQ(verdict.rfind(begins, 0), 0) << verdict;
    }
    const double estimate = claim.at("estimate");
    EXPECT_GE(estimate, expected.at(id).at("estimate").at(0).get<double>());
    EXPECT_LE(estimate, expected.at(id).at("estimate").at(1).get<double>());
  }
}

TEST(PaperExperimentTest, TheReadmeShowsTheKeptTable) {
  const std::string tables = content("claims.md"), readme = content("README.md");
  const std::size_t first = tables.find("| claim |");
  const std::string table = tables.substr(first, tables.find("\n\n", first) - first);
  EXPECT_NE(table.find("| (i) "), std::string::npos);
  EXPECT_NE(readme.find(table), std::string::npos);
}

}  // namespace
}  // namespace gradquake::paper

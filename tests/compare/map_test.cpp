#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "gradquake/compare/comparison.h"

namespace gradquake::compare {
namespace {

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// Two sites; gaussian noise at two sizes, and a rounding that changes nothing at the first.
Comparison::At looked_at(bool probed) {
  Comparison::At at{.step = 7, .screen = {}, .probe = {}};
  for (const char* name : {"fc1", "fc2"}) {
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const bool reaches = direction == Direction::kForward || std::string_view(name) == "fc2";
      SiteScreen site{.site = name, .direction = direction, .gain = Interval{2.0, 1.5, 2.5}, .reason = ""};
      if (!reaches) {
        site.gain.reset();
        site.reason = "no way there";
      }
      at.screen.sites.push_back(site);
      if (!probed) continue;
      for (const double size : {0.01, 0.1}) {
        ProbeCell cell;
        cell.site = name;
        cell.direction = direction;
        cell.kind = "gaussian";
        cell.relative_size = size;
        cell.relative_error = Interval{3 * size, 2 * size, 4 * size};
        at.probe.cells.push_back(cell);
      }
      ProbeCell rounded;
      rounded.site = name;
      rounded.direction = direction;
      rounded.kind = "round";
      if (std::string_view(name) == "fc1") rounded.reason = "it changed nothing";
      at.probe.cells.push_back(rounded);
    }
  }
  return at;
}

std::string map_of(bool probed) {
  return map_svg({.name = "net", .share = 0.1, .at = {looked_at(probed)}, .outcome = {}, .budget = {}});
}

TEST(MapTest, ItHasAColumnADirectionKindAndSizeBesideTheGains) {
  const std::string svg = map_of(true);
  for (const char* head : {">gain, to first order<", ">gaussian 1 %<", ">gaussian 10 %<", ">round<"})
    EXPECT_EQ(count(svg, head), 2U) << head;  // a direction
  EXPECT_EQ(count(svg, ">on the way forward<"), 1U);
  EXPECT_EQ(count(svg, ">on the way back<"), 1U);
  EXPECT_EQ(count(svg, ">2 [1.5, 2.5]<"), 3U);  // gains, one being blank
  EXPECT_EQ(count(svg, ">0.03 [0.02, 0.04]<"), 4U);
  EXPECT_EQ(count(svg, ">0.3 [0.2, 0.4]<"), 4U);
  EXPECT_EQ(count(svg, "class=\"cell\""), 11U);
}

TEST(MapTest, BlankCellsSayWhy) {
  const std::string svg = map_of(true);
  EXPECT_EQ(count(svg, ">no way there<"), 1U);
  EXPECT_EQ(count(svg, ">it changed nothing<"), 2U);
  EXPECT_EQ(count(svg, ">-<"), 2U);  // without a reason
}

TEST(MapTest, WithoutAProbeItHasTheGainsAlone) {
  const std::string svg = map_of(false);
  EXPECT_EQ(count(svg, ">gain, to first order<"), 2U);
  EXPECT_EQ(count(svg, "gaussian"), 0U);
  EXPECT_EQ(count(svg, "class=\"cell\""), 3U);
}

}  // namespace
}  // namespace gradquake::compare

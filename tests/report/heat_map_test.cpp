#include "gradquake/report/heat_map.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gradquake::report {
namespace {

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// The number behind `attribute`, from the first one behind `from` on.
double number_behind(const std::string& svg, const std::string& from, const std::string& attribute) {
  const std::size_t place = svg.find(attribute + "=\"", svg.find(from));
  return std::stod(svg.substr(place + attribute.size() + 2));
}

HeatMap two_by_two() {
  return {.title = "t <&>",
          .subtitle = "s",
          .columns = {{"a"}, {"b", 1}},
          .rows = {{"first", {{1.0, "one"}, {1e6, "million"}}}, {"second", {{100.0, "hundred"}, {std::nullopt, "-"}}}}};
}

TEST(HeatMapTest, ItOpensWithoutANetworkAndEveryFigureStandsInItAsText) {
  const std::string svg = heat_map_svg(two_by_two());
  for (const char* text : {"t &lt;&amp;&gt;", ">first<", ">second<", ">one<", ">million<", ">hundred<", ">-<"})
    EXPECT_EQ(count(svg, text), 1U) << text;
  for (const char* outside : {"<script", "href", "@import", "url("}) EXPECT_EQ(count(svg, outside), 0U) << outside;
  EXPECT_EQ(count(svg, "http"), 1U);  // the namespace
  EXPECT_EQ(svg, heat_map_svg(two_by_two()));
}

TEST(HeatMapTest, OnlyFiguresAreShadedAndOnlyColumnsOfOneScaleAgainstEachOther) {
  HeatMap map = two_by_two();
  const std::string apart = heat_map_svg(map);
  EXPECT_EQ(count(apart, "class=\"cell\""), 3U);
  EXPECT_EQ(count(apart, "fill-opacity=\"0.060\""), 2U);  // 1, and 10^6 alone on its scale
  EXPECT_EQ(count(apart, "fill-opacity=\"0.600\""), 1U);  // 100
  map.columns[1].scale = 0;
  const std::string together = heat_map_svg(map);
  EXPECT_EQ(count(together, "fill-opacity=\"0.060\""), 1U);  // 1
  EXPECT_EQ(count(together, "fill-opacity=\"0.240\""), 1U);  // 100, a third of the way
  EXPECT_EQ(count(together, "fill-opacity=\"0.600\""), 1U);  // 10^6
}

TEST(HeatMapTest, LongTextsAreWrappedAndTheRowGrowsWithThem) {
  HeatMap map = two_by_two();
  const double height = number_behind(heat_map_svg(map), "<svg", "height");
  map.rows[1].cells[1].text = "it does not reach the gradient";
  map.columns[1].head = "a head that is as long as this one";
  const std::string svg = heat_map_svg(map);
  for (const char* line : {">it does not reach the<", ">gradient<", ">a head that is as<", ">long as this one<"})
    EXPECT_EQ(count(svg, line), 1U) << line;
  EXPECT_EQ(number_behind(svg, "<svg", "height"), height + 2 * 15);  // a line of the head and one of the row
}

TEST(HeatMapTest, AnIntervalStaysInOneLine) {
  HeatMap map = two_by_two();
  map.rows[0].cells[0].text = "0.00166 [0.0016, 0.0018]";
  const std::string svg = heat_map_svg(map);
  EXPECT_EQ(count(svg, ">0.00166<"), 1U);
  EXPECT_EQ(count(svg, ">[0.0016, 0.0018]<"), 1U);
}

TEST(HeatMapTest, AWordWithoutSpacesIsBrokenButNoCharacterIs) {
  HeatMap map = two_by_two();
  map.columns[0].head = "xxxxxxxxxxxxxxxxxxxx\u03b4yy";  // its byte 20 begins the letter
  const std::string svg = heat_map_svg(map);
  EXPECT_EQ(count(svg, ">xxxxxxxxxxxxxxxxxxxx<"), 1U);
  EXPECT_EQ(count(svg, ">\u03b4yy<"), 1U);
}

TEST(HeatMapTest, GroupsStandOverTheirColumnsAndThePictureIsAsWideAsAllOfThem) {
  HeatMap map = two_by_two();
  map.columns.clear();
  map.rows = {{"row", {}}};
  for (int i = 0; i < 12; ++i) {
    map.columns.push_back({"column" + std::to_string(i)});
    map.rows[0].cells.push_back({1.0 + i, "cell"});
  }
  map.groups = {{"left", 5}, {"right", 7}};
  const std::string svg = heat_map_svg(map);
  const auto x_of = [&svg](const std::string& text) {
    return number_behind(
        svg.substr(0, svg.find('>' + text + '<')).substr(svg.rfind("<text", svg.find('>' + text + '<'))), "<text", "x");
  };
  EXPECT_EQ(x_of("left"), x_of("column0"));
  EXPECT_EQ(x_of("right"), x_of("column5"));
  EXPECT_GT(x_of("column5") - x_of("column4"), x_of("column4") - x_of("column3"));  // a gap between groups
  EXPECT_GT(number_behind(svg, "<svg", "width"), x_of("column11") + (x_of("column4") - x_of("column3")) - 8);
}

}  // namespace
}  // namespace gradquake::report

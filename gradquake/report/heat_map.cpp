#include "gradquake/report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include "gradquake/report/svg_text.h"

namespace gradquake::report {
namespace {

constexpr double kCellWidth = 172, kLine = 15, kPad = 9, kFirstHead = 86, kGroupHead = 22, kGap = 14, kMapMargin = 16,
                 kNameLetter = 7.2;
constexpr std::size_t kCellLetters = 21;      // that fit into a cell's width
constexpr double kLeast = 0.06, kMost = 0.6;  // of a shade: text stays readable on the darkest

constexpr std::string_view kMapStyle = R"(<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-size: 19px; font-weight: 600 }
.name { font-weight: 600 }
.quiet { fill: #59636e }
.paper { fill: #ffffff; stroke: #d1d9e0 }
.cell { fill: #0a62c9 }
@media (prefers-color-scheme: dark) {
text { fill: #eef1f4 } .quiet { fill: #9aa4b0 } .paper { fill: #12161c; stroke: #323a44 } .cell { fill: #6cb2ff }
}
</style>
)";

bool shaded(const HeatCell& cell) { return cell.value && std::isfinite(*cell.value) && *cell.value > 0; }

// Opacity by the logarithm, over the columns of each scale.
class Shades {
 public:
  explicit Shades(const HeatMap& map) {
    for (const HeatMap::Row& row : map.rows)
      for (std::size_t c = 0; c < row.cells.size(); ++c)
        if (shaded(row.cells[c])) {
          Range& range = ranges_[map.columns[c].scale];
          range.low = std::min(range.low, std::log(*row.cells[c].value));
          range.high = std::max(range.high, std::log(*row.cells[c].value));
        }
  }
  double of(double value, int scale) const {
    const auto [low, high] = ranges_.at(scale);
    return high > low ? kLeast + (kMost - kLeast) * (std::log(value) - low) / (high - low) : kLeast;
  }

 private:
  struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;
  };
  std::map<int, Range> ranges_;
};

// At spaces, in front of an interval if there is one; words that are longer than a line anywhere but within a character
// of several bytes.
std::vector<std::string> wrapped(std::string_view text) {
  std::vector<std::string> lines;
  while (text.size() > kCellLetters) {
    const std::size_t interval = text.rfind(" [", kCellLetters);
    const std::size_t space = interval != std::string_view::npos ? interval : text.rfind(' ', kCellLetters);
    std::size_t end = space;
    if (space == std::string_view::npos || space == 0)
      for (end = kCellLetters; end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U;) --end;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == space ? end + 1 : end);
  }
  lines.emplace_back(text);
  return lines;
}

std::string lines_at(double x, double y, const char* style, std::string_view text) {
  std::string svg;
  for (const std::string& line : wrapped(text)) {
    svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\"{}>{}</text>", x, y, style, escaped(line));
    y += kLine;
  }
  return svg;
}

// Where everything stands.
class Layout {
 public:
  explicit Layout(const HeatMap& map) : head(kFirstHead + (map.groups.empty() ? 0 : kGroupHead)) {
    std::size_t longest = 4, head_lines = 1;
    for (const HeatMap::Row& row : map.rows) longest = std::max(longest, row.name.size());
    for (const HeatMap::Column& column : map.columns) head_lines = std::max(head_lines, wrapped(column.head).size());
    double x = kMapMargin + 12 + kNameLetter * static_cast<double>(longest);
    for (const HeatMap::Group& group : map.groups) {
      for (std::size_t c = 0; c < group.columns; ++c, x += kCellWidth) columns.push_back(x);
      x += kGap;
    }
    for (; columns.size() < map.columns.size(); x += kCellWidth) columns.push_back(x);
    width = std::max(
        x + kMapMargin,
        2 * kMapMargin + kNameLetter * static_cast<double>(std::max(map.title.size() * 3 / 2, map.subtitle.size())));
    height = head + kLine * static_cast<double>(head_lines - 1) + 10;
    for (const HeatMap::Row& row : map.rows) {
      std::size_t lines = 1;
      for (const HeatCell& cell : row.cells) lines = std::max(lines, wrapped(cell.text).size());
      rows.push_back(height);
      heights.push_back(kLine * static_cast<double>(lines) + kPad);
      height += heights.back();
    }
    height += kMapMargin;
  }

  double head;                        // baseline of the columns' heads
  std::vector<double> columns;        // left ends
  std::vector<double> rows, heights;  // tops
  double width = 0, height = 0;
};

std::string heads_of(const HeatMap& map, const Layout& at) {
  std::string svg;
  std::size_t first = 0;
  for (const HeatMap::Group& group : map.groups) {
    svg += fmt::format(
        "<text x=\"{0:.0f}\" y=\"{1:.0f}\" class=\"name\">{2}</text>"
        "<path class=\"paper\" d=\"M{3:.0f} {4:.0f}H{5:.0f}\"/>\n",
        at.columns[first] + 8, at.head - kGroupHead, escaped(group.head), at.columns[first], at.head - kGroupHead + 6,
        at.columns[first + group.columns - 1] + kCellWidth - 2);
    first += group.columns;
  }
  for (std::size_t c = 0; c < map.columns.size(); ++c)
    svg += lines_at(at.columns[c] + 8, at.head, " class=\"name\"", map.columns[c].head) + '\n';
  return svg;
}

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  const Layout at(map);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\">\n{2}"
      "<rect class=\"paper\" x=\".5\" y=\".5\" width=\"{3:.0f}\" height=\"{4:.0f}\" rx=\"6\"/>\n"
      "<text x=\"16\" y=\"32\" class=\"title\">{5}</text>\n<text x=\"16\" y=\"54\" class=\"quiet\">{6}</text>\n",
      at.width, at.height, kMapStyle, at.width - 1, at.height - 1, escaped(map.title), escaped(map.subtitle));
  svg += heads_of(map, at);
  const Shades shades(map);
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = at.rows[r];
    svg += fmt::format("<text x=\"16\" y=\"{:.0f}\">{}</text>", y + 16, escaped(map.rows[r].name));
    for (std::size_t c = 0; c < map.rows[r].cells.size(); ++c) {
      const HeatCell& cell = map.rows[r].cells[c];
      if (shaded(cell))
        svg += fmt::format(
            "<rect class=\"cell\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" "
            "fill-opacity=\"{:.3f}\"/>",
            at.columns[c], y, kCellWidth - 2, at.heights[r] - 2, shades.of(*cell.value, map.columns[c].scale));
      svg += lines_at(at.columns[c] + 8, y + 16, shaded(cell) ? "" : " class=\"quiet\"", cell.text);
    }
    svg += '\n';
  }
  return svg + "</svg>\n";
}

}  // namespace gradquake::report

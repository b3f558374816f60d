#include "gradquake/report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>

#include "gradquake/report/svg_text.h"

namespace gradquake::report {
namespace {

constexpr double kCellWidth = 230, kCellHeight = 24, kTop = 96, kNameLetter = 7.2;
constexpr double kLeast = 0.06, kMost = 0.6;  // of a shade: text stays readable on the darkest

constexpr std::string_view kMapStyle = R"(<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-size: 19px; font-weight: 600 }
.name { font-size: 13px; font-weight: 600 }
.quiet { fill: #59636e }
.paper { fill: #ffffff; stroke: #d1d9e0 }
.cell { fill: #0a62c9 }
@media (prefers-color-scheme: dark) {
text { fill: #eef1f4 } .quiet { fill: #9aa4b0 } .paper { fill: #12161c; stroke: #323a44 } .cell { fill: #6cb2ff }
}
</style>
)";

bool shaded(const HeatCell& cell) { return cell.value && std::isfinite(*cell.value) && *cell.value > 0; }

// Opacity by the logarithm, over all cells.
class Shades {
 public:
  explicit Shades(const HeatMap& map) {
    for (const HeatMap::Row& row : map.rows)
      for (const HeatCell& cell : row.cells)
        if (shaded(cell)) {
          low_ = std::min(low_, std::log(*cell.value));
          high_ = std::max(high_, std::log(*cell.value));
        }
  }
  double of(double value) const {
    return high_ > low_ ? kLeast + (kMost - kLeast) * (std::log(value) - low_) / (high_ - low_) : kLeast;
  }

 private:
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  std::size_t longest = 4;
  for (const HeatMap::Row& row : map.rows) longest = std::max(longest, row.name.size());
  const double left = 28 + kNameLetter * static_cast<double>(longest);
  const double width =
      std::max(left + kCellWidth * static_cast<double>(map.columns.size()) + 16,
               32 + kNameLetter * static_cast<double>(std::max(map.title.size() * 3 / 2, map.subtitle.size())));
  const double height = kTop + kCellHeight * static_cast<double>(map.rows.size()) + 16;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\">\n{2}"
      "<rect class=\"paper\" x=\".5\" y=\".5\" width=\"{3:.0f}\" height=\"{4:.0f}\" rx=\"6\"/>\n"
      "<text x=\"16\" y=\"32\" class=\"title\">{5}</text>\n<text x=\"16\" y=\"54\" class=\"quiet\">{6}</text>\n",
      width, height, kMapStyle, width - 1, height - 1, escaped(map.title), escaped(map.subtitle));
  for (std::size_t c = 0; c < map.columns.size(); ++c) {
    svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"name\">{}</text>\n",
                       left + kCellWidth * static_cast<double>(c) + 8, kTop - 10, escaped(map.columns[c]));
  }
  const Shades shades(map);
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = kTop + kCellHeight * static_cast<double>(r);
    svg += fmt::format("<text x=\"16\" y=\"{:.0f}\">{}</text>", y + 16, escaped(map.rows[r].name));
    for (std::size_t c = 0; c < map.rows[r].cells.size(); ++c) {
      const HeatCell& cell = map.rows[r].cells[c];
      const double x = left + kCellWidth * static_cast<double>(c);
      if (shaded(cell))
        svg += fmt::format(
            "<rect class=\"cell\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" "
            "fill-opacity=\"{:.3f}\"/>",
            x, y, kCellWidth - 2, kCellHeight - 2, shades.of(*cell.value));
      svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\"{}>{}</text>", x + 8, y + 16,
                         shaded(cell) ? "" : " class=\"quiet\"", escaped(cell.text));
    }
    svg += '\n';
  }
  return svg + "</svg>\n";
}

}  // namespace gradquake::report

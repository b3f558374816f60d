// A table of positive figures as a picture: a row a name, a column a question, in each cell the figure as text on a
// shade that grows with its logarithm. One SVG file with no script, font or link in it; readable in black and white,
// light or dark as the reader's system asks. Equal tables give equal bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::report {

struct HeatCell {
  std::optional<double> value;  // > 0; absent, or 0: no shade
  std::string text;
};

struct HeatMap {
  std::string title;
  std::string subtitle;
  std::vector<std::string> columns;
  struct Row {
    std::string name;
    std::vector<HeatCell> cells;  // one a column
  };
  std::vector<Row> rows;
};

GRADQUAKE_EXPORT std::string heat_map_svg(const HeatMap& map);

}  // namespace gradquake::report

// A table of positive figures as a picture: a row a name, a column a question, in each cell the figure as text on a
// shade that grows with its logarithm. One SVG file with no script, font or link in it; readable in black and white,
// light or dark as the reader's system asks. Equal tables give equal bytes.
//
// Columns are of one width and the picture is as wide as all of them; heads and texts too long for it are wrapped, and
// rows are as high as what stands in them.
#pragma once

#include <cstddef>
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
  struct Column {
    std::string head;
    int scale = 0;  // columns of one number are shaded against each other
  };
  std::vector<Column> columns;
  struct Group {
    std::string head;
    std::size_t columns;
  };
  std::vector<Group> groups = {};  // neighbouring columns under a head of their own, from the left; empty: none
  struct Row {
    std::string name;
    std::vector<HeatCell> cells;  // one a column
  };
  std::vector<Row> rows;
};

GRADQUAKE_EXPORT std::string heat_map_svg(const HeatMap& map);

}  // namespace gradquake::report

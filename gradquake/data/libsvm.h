// The LIBSVM text format, one sample a line: `label index:value index:value ...`, indices from 1, ascending; blank
// lines and what follows `#` are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gradquake::data {

struct LibsvmEntry {
  std::int32_t feature;  // from 0
  double value;
};

struct LibsvmTable {
  std::vector<double> labels;         // as written, [rows]
  std::vector<std::size_t> lines;     // line number of each row, from 1
  std::vector<std::size_t> row_ends;  // row r has entries row_ends[r-1] .. row_ends[r]
  std::vector<LibsvmEntry> entries;
  std::int32_t features = 0;  // the largest index
};

// `name`: the file in messages. Throws UserError with the line where a label or value is no finite number, an index is
// no integer in 1 .. 10,000,000 or does not ascend, or no sample is found.
LibsvmTable parse_libsvm(const std::string& text, const std::string& name);

// The two labels of a training table, smaller first: they become -1 and +1. Throws UserError with the line where there
// are not exactly two.
struct LibsvmLabels {
  double negative = -1, positive = 1;
};
LibsvmLabels find_labels(const LibsvmTable& table, const std::string& name);

// [rows] of -1 / +1. Throws UserError with the line of a label that is neither.
std::vector<double> sign_labels(const LibsvmTable& table, const LibsvmLabels& labels, const std::string& name);

}  // namespace gradquake::data

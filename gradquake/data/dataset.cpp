#include "gradquake/data/dataset.h"

#include <numeric>

namespace gradquake::data {

Dataset::~Dataset() = default;

Batch Dataset::range(std::int64_t first, std::int64_t rows) const {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(rows));
  std::iota(indices.begin(), indices.end(), first);
  return get(indices);
}

}  // namespace gradquake::data

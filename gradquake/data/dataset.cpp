#include "gradquake/data/dataset.h"

namespace gradquake::data {

Dataset::~Dataset() = default;

}  // namespace gradquake::data

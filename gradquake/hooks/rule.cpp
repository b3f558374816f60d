#include "gradquake/hooks/rule.h"

namespace gradquake {

bool acts(const Rule& rule, Direction direction) {
  return direction == Direction::kBoth || rule.direction == Direction::kBoth || rule.direction == direction;
}

std::string label_of(const Rule& rule, std::size_t position) {
  return rule.label.empty() ? std::to_string(position) : rule.label;
}

}  // namespace gradquake

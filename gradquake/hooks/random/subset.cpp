#include "gradquake/hooks/random/subset.h"

#include <algorithm>
#include <unordered_set>

namespace gradquake {

// Floyd's algorithm (Bentley 1987, "A sample of brilliance"), which draws one number a member.
std::vector<std::int64_t> random_subset(std::int64_t count, std::int64_t span, Stream stream, std::uint64_t first) {
  std::vector<std::int64_t> members;
  members.reserve(static_cast<std::size_t>(count));
  std::unordered_set<std::int64_t> taken;
  for (std::int64_t last = span - count; last < span; ++last) {
    const double u = uniform_at(stream, first + static_cast<std::uint64_t>(last));
    const auto draw = std::min(last, static_cast<std::int64_t>(u * (static_cast<double>(last) + 1)));
    const std::int64_t member = taken.contains(draw) ? last : draw;
    taken.insert(member);
    members.push_back(member);
  }
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace gradquake

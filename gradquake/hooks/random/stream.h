// Addressed random numbers. A number is a function of where it is used, not of how many were drawn before it, so that
// adding a rule or a site, skipping a step, splitting a batch or resuming a run changes no other number.
//
//   words(address) = Philox4x32-10(counter, key)
//   key            = mix(seed, repeat, site name, direction, rule label)         stream_key
//   counter        = {element block, low 32 bits; high 32 bits; occurrence; step}
//
// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011), the 10-round
// variant.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"

namespace gradquake {

// The address of a tensor's random numbers, all but the element.
struct Stream {
  std::uint64_t key = 0;
  std::uint32_t step = 0;
  std::uint32_t occurrence = 0;  // how often the site ran before in this scope
};

// The key of one rule at one site in one direction. Every field counts with its length, so that ("a", "bc") and
// ("ab", "c") differ. Two different addresses share a key with probability 2^-64.
// `direction` is kForward or kBackward; kBoth throws std::invalid_argument, for each direction has a stream of its own.
GRADQUAKE_EXPORT std::uint64_t stream_key(std::uint64_t seed, std::uint64_t repeat, std::string_view site,
                                          Direction direction, std::string_view rule_label);

// Step and occurrence put into place. The low 32 bits of a step are counter word 3; a step of 2^32 or more changes the
// key as well, so steps never wrap around. A negative step throws std::invalid_argument.
GRADQUAKE_EXPORT Stream make_stream(std::uint64_t key, std::int64_t step, std::uint32_t occurrence = 0);

// One Philox block: four words from a counter and a key (low 32 bits of `key` first).
GRADQUAKE_EXPORT std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::uint64_t key);

// Uniform in [0, 1) with 53 bits, at position `index` of a stream: what coins are compared with.
GRADQUAKE_EXPORT double uniform_at(Stream stream, std::uint64_t index);

}  // namespace gradquake

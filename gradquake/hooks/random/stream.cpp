#include "gradquake/hooks/random/stream.h"

#include <stdexcept>
#include <string>

namespace gradquake {
namespace {

// One step of a chain: the next state depends on every bit of the state, of the value and of its kind.
std::uint64_t absorb(std::uint64_t state, std::uint64_t value, std::uint32_t kind) {
  const auto words = philox4x32_10(
      {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32), kind, 0x67716b31u}, state);
  return words[0] | (static_cast<std::uint64_t>(words[1]) << 32);
}

// The length goes in first; then eight characters at a time.
std::uint64_t absorb(std::uint64_t state, std::string_view text) {
  state = absorb(state, text.size(), 1);
  for (std::size_t i = 0; i < text.size(); i += 8) {
    std::uint64_t packed = 0;
    for (std::size_t j = i; j < text.size() && j < i + 8; ++j)
      packed |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[j])) << (8 * (j - i));
    state = absorb(state, packed, 2);
  }
  return state;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::uint64_t key) {
  std::uint32_t key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
  auto [a, b, c, d] = counter;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53u} * a, q = std::uint64_t{0xCD9E8D57u} * c;
    a = static_cast<std::uint32_t>(q >> 32) ^ b ^ key0;
    b = static_cast<std::uint32_t>(q);
    c = static_cast<std::uint32_t>(p >> 32) ^ d ^ key1;
    d = static_cast<std::uint32_t>(p);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {a, b, c, d};
}

std::uint64_t stream_key(std::uint64_t seed, std::uint64_t repeat, std::string_view site, Direction direction,
                         std::string_view rule_label) {
  if (direction == Direction::kBoth)
    throw std::invalid_argument("[hooks] a stream belongs to one direction: expected forward or backward, got both");
  std::uint64_t state = absorb(seed, repeat, 0);
  state = absorb(state, site);
  state = absorb(state, direction == Direction::kForward ? 0 : 1, 3);
  return absorb(state, rule_label);
}

Stream make_stream(std::uint64_t key, std::int64_t step, std::uint32_t occurrence) {
  if (step < 0) throw std::invalid_argument("[hooks] expected a step >= 0, got " + std::to_string(step));
  const auto high = static_cast<std::uint64_t>(step) >> 32;
  return {high == 0 ? key : absorb(key, high, 4), static_cast<std::uint32_t>(step), occurrence};
}

double uniform_at(Stream stream, std::uint64_t index) {
  const auto words = philox4x32_10(
      {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), stream.occurrence, stream.step},
      stream.key);
  const std::uint64_t bits = words[0] | (static_cast<std::uint64_t>(words[1]) << 32);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace gradquake

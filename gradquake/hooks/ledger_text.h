// A ledger's counters as text: a header, then fields separated by spaces. A string is its length, a colon and its
// bytes, so that any site name survives. Internal to hooks/.
#pragma once

#include <bit>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gradquake::detail {

class TextWriter {
 public:
  void add(std::int64_t number) { text_ += std::to_string(number) + ' '; }
  void add(const std::string& bytes) { text_ += std::to_string(bytes.size()) + ':' + bytes + ' '; }
  // A number >= 0, to the last bit.
  void add_exactly(double number) { add(std::bit_cast<std::int64_t>(number)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class TextReader {
 public:
  explicit TextReader(std::string_view text) : rest_(text) {}

  std::int64_t number(char end = ' ') {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    if (error != std::errc() || rest_.empty() || rest_.front() != end || value < 0) refuse();
    rest_.remove_prefix(1);
    return value;
  }

  std::string bytes() {
    const auto size = static_cast<std::uint64_t>(number(':'));
    if (size >= rest_.size() || rest_[size] != ' ') refuse();
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size + 1);
    return value;
  }

  double exact() { return std::bit_cast<double>(number()); }

  bool done() const { return rest_.empty(); }

  [[noreturn]] static void refuse() {
    throw std::invalid_argument("[hooks] expected the text that a ledger saved, got a damaged one");
  }

 private:
  std::string_view rest_;
};

}  // namespace gradquake::detail

// State as text, for checkpoints: fields separated by spaces; a string is its length, a colon and its bytes, so that
// any name and any number's bytes survive. Internal to hooks/.
#pragma once

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace gradquake::detail {

class StateWriter {
 public:
  void add(std::int64_t number) { text_ += std::to_string(number) + ' '; }  // >= 0
  void add(std::string_view bytes) { text_.append(std::to_string(bytes.size())).append(":").append(bytes).append(" "); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Reads in the order of writing. Throws std::invalid_argument, naming `what` wrote the text, where it is damaged.
class StateReader {
 public:
  StateReader(std::string_view text, std::string what) : rest_(text), what_(std::move(what)) {}

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

  bool done() const { return rest_.empty(); }

  [[noreturn]] void refuse() const {
    throw std::invalid_argument("[hooks] expected the text that " + what_ + " wrote, got a damaged one");
  }

 private:
  std::string_view rest_;
  std::string what_;
};

}  // namespace gradquake::detail

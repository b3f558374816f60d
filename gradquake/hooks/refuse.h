// The one sentence with which hooks/ refuses what it was given. Internal to hooks/.
#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace gradquake::detail {

// About one key of a rule whose position is not known here.
class KeyRefusal : public std::invalid_argument {
 public:
  KeyRefusal(std::string key, const std::string& message)
      : std::invalid_argument("[hooks] " + message), key_(std::move(key)) {}
  const std::string& key() const { return key_; }

 private:
  std::string key_;
};

[[noreturn]] inline void refuse(const std::string& expected, const std::string& got) {
  throw std::invalid_argument("[hooks] expected " + expected + ", got " + got);
}

[[noreturn]] inline void refuse_key(const std::string& key, const std::string& expected, const std::string& got) {
  throw KeyRefusal(key, "expected " + expected + ", got " + got);
}

// The same about one site; `message`: "expected ..., got ...".
[[noreturn]] inline void refuse_at(const std::string& site, const std::string& message) {
  throw KeyRefusal("sites", "site '" + site + "': " + message);
}

// What an exception says, without the room it came from, in one line.
std::string one_line(const std::exception& error);

// The key that an exception is about; `otherwise` where it does not say.
std::string key_of(const std::exception& error, const std::string& otherwise);

// Where a micro-batch stands: refuses a negative number, and first_row without rows.
void require_rows(std::int64_t step, std::int64_t first_row, std::int64_t rows);

}  // namespace gradquake::detail

// Writes one flat or nested JSON object straight into a string: a step's line is written at every step, and a document
// tree would cost more than the rest of the record. Private to the sources of this folder.
//
//   JsonText text;
//   text.field("step", step).field("loss", loss);   // absent and non-finite numbers are null
//   text.take();                                     // {"step":3,"loss":0.25}
//
// Doubles are the shortest text that reads back to the same bits, with ".0" where it would look like an integer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradquake::report {

class JsonText {
 public:
  JsonText() { text_.reserve(320); }

  JsonText& field(std::string_view name, double value);
  JsonText& field(std::string_view name, std::int64_t value);
  JsonText& field(std::string_view name, bool value);
  JsonText& field(std::string_view name, std::string_view value);
  JsonText& field(std::string_view name, const std::string& value) { return field(name, std::string_view(value)); }
  JsonText& field(std::string_view name, const char* value) { return field(name, std::string_view(value)); }
  JsonText& raw(std::string_view name, std::string_view json);  // a value that is JSON already
  JsonText& null(std::string_view name) { return raw(name, "null"); }

  JsonText& text_or_null(std::string_view name, const std::string& value) {  // null: unsaid
    return value.empty() ? null(name) : field(name, value);
  }

  template <typename T>
  JsonText& field(std::string_view name, const std::optional<T>& value) {
    return value ? field(name, *value) : null(name);
  }

  std::string take();

 private:
  void key(std::string_view name);

  std::string text_;
};

// JSON text of a string in quotes; bytes that are no UTF-8 become U+FFFD.
std::string quoted(std::string_view value);

}  // namespace gradquake::report

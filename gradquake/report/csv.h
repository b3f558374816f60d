// Tidy CSV: one header, one observation a row, quoted as RFC 4180 says. Doubles are the shortest text that reads back
// to the same bits; a missing value is an empty field, inf and nan are written as such.
//
//   std::ofstream file("figure4.csv");
//   CsvWriter csv(file, {"sigma", "gamma", "seed", "stable_grad_norm"});
//   csv.row({0.5, 0.1, 3, 2.2e-3});
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::report {

// One field, already as CSV text.
class GRADQUAKE_EXPORT CsvField {
 public:
  CsvField(double value);            // NOLINT(google-explicit-constructor): so that a row reads like its numbers
  CsvField(std::string_view value);  // NOLINT(google-explicit-constructor)
  CsvField(const std::string& value) : CsvField(std::string_view(value)) {}  // NOLINT(google-explicit-constructor)
  CsvField(const char* value) : CsvField(std::string_view(value)) {}         // NOLINT(google-explicit-constructor)
  CsvField(std::nullopt_t) {}                                                // NOLINT(google-explicit-constructor)
  template <typename Integer>
  requires std::is_integral_v<Integer> CsvField(Integer value)  // NOLINT(google-explicit-constructor)
      : text_(std::is_same_v<Integer, bool> ? (value ? "true" : "false") : std::to_string(value)) {}
  template <typename T>
  CsvField(const std::optional<T>& value)  // NOLINT(google-explicit-constructor)
      : text_(value ? CsvField(*value).text_ : std::string()) {}

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class GRADQUAKE_EXPORT CsvWriter {
 public:
  enum class Header { kWrite, kSkip };  // kSkip: the stream continues a file that has one

  // `out` outlives the writer.
  CsvWriter(std::ostream& out, const std::vector<std::string>& columns, Header header = Header::kWrite);

  // Throws UserError unless there is one field a column, std::ios_base::failure where the stream fails.
  void row(const std::vector<CsvField>& fields);

 private:
  void write(const std::vector<CsvField>& fields);

  std::ostream& out_;
  std::size_t columns_;
};

}  // namespace gradquake::report

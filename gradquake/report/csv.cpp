#include "gradquake/report/csv.h"

#include <array>
#include <charconv>
#include <ios>

#include "gradquake/core/error.h"

namespace gradquake::report {
namespace {

std::string quoted_if_needed(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

CsvField::CsvField(double value) {
  std::array<char, 32> space;
  const auto end = std::to_chars(space.data(), space.data() + space.size(), value).ptr;
  text_.assign(space.data(), end);
}

CsvField::CsvField(std::string_view value) : text_(quoted_if_needed(value)) {}

CsvWriter::CsvWriter(std::ostream& out, const std::vector<std::string>& columns, Header header)
    : out_(out), columns_(columns.size()) {
  if (header == Header::kWrite) write({columns.begin(), columns.end()});
}

void CsvWriter::row(const std::vector<CsvField>& fields) {
  if (fields.size() != columns_) {
    throw UserError("report",
                    "expected a row of " + std::to_string(columns_) + " fields, got " + std::to_string(fields.size()));
  }
  write(fields);
}

void CsvWriter::write(const std::vector<CsvField>& fields) {
  std::string line;
  for (const CsvField& field : fields) {
    if (&field != fields.data()) line += ',';
    line += field.text();
  }
  line += '\n';
  if (!out_.write(line.data(), static_cast<std::streamsize>(line.size())))
    throw std::ios_base::failure("[report] cannot write a row of CSV");
}

}  // namespace gradquake::report

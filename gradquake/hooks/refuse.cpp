#include "gradquake/hooks/refuse.h"

#include <string_view>

#include "gradquake/hooks/first_line.h"

namespace gradquake::detail {

std::string one_line(const std::exception& error) {
  const std::string text = first_line(error);
  constexpr std::string_view kRoom = "[hooks] ";
  return text.starts_with(kRoom) ? text.substr(kRoom.size()) : text;
}

std::string key_of(const std::exception& error, const std::string& otherwise) {
  const auto* const refusal = dynamic_cast<const KeyRefusal*>(&error);
  return refusal == nullptr ? otherwise : refusal->key();
}

void require_rows(std::int64_t step, std::int64_t first_row, std::int64_t rows) {
  if (step < 0) refuse("a step >= 0", std::to_string(step));
  if (first_row < 0) refuse("first_row >= 0", std::to_string(first_row));
  if (rows < 0) refuse("rows >= 0", std::to_string(rows));
  if (first_row != 0 && rows == 0) refuse("rows > 0 where first_row is not 0", "rows 0");
}

}  // namespace gradquake::detail

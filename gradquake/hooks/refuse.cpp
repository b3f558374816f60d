#include "gradquake/hooks/refuse.h"

#include <c10/util/Exception.h>

#include <string_view>

namespace gradquake::detail {

std::string one_line(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  std::string text = of_torch != nullptr ? of_torch->what_without_backtrace() : error.what();
  constexpr std::string_view kRoom = "[hooks] ";
  if (text.starts_with(kRoom)) text.erase(0, kRoom.size());
  return text.substr(0, text.find('\n'));
}

std::string key_of(const std::exception& error, const std::string& otherwise) {
  const auto* const refusal = dynamic_cast<const KeyRefusal*>(&error);
  return refusal == nullptr ? otherwise : refusal->key();
}

}  // namespace gradquake::detail

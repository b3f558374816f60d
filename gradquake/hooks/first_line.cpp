#include "gradquake/hooks/first_line.h"

#include <c10/util/Exception.h>

namespace gradquake::detail {

std::string first_line(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = of_torch != nullptr ? of_torch->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

}  // namespace gradquake::detail

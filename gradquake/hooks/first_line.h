// What an exception says in one line, without the backtrace of LibTorch's.
#pragma once

#include <exception>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake::detail {

GRADQUAKE_EXPORT std::string first_line(const std::exception& error);

}  // namespace gradquake::detail

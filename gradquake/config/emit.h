// Writes a value as YAML: one line where a nested list or mapping is flat and short, indented blocks elsewhere.
#pragma once

#include <string>

#include "gradquake/config/value.h"

namespace gradquake::config {

std::string emit(const Value& mapping);

}  // namespace gradquake::config

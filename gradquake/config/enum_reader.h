// Reads a key whose values are those of an enumeration (hooks/enum_text.h).
#pragma once

#include <string>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/enum_text.h"

namespace gradquake::config {

template <class Enum>
Enum read_enum(Reader& reader, const std::string& key, Enum def) {
  return from_text<Enum>(reader.choice(key, to_text(def), texts_of<Enum>()));
}

}  // namespace gradquake::config

// The file of constants as one JSON document: the keys of configs/theory/constants.yaml, absent ones left out.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/constants_file.h"

namespace gradquake::measure {

GRADQUAKE_EXPORT nlohmann::ordered_json constants_json(const ConstantsFile& file);

}  // namespace gradquake::measure

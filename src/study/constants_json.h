// The file of constants as one JSON document: the keys of configs/theory/constants.yaml, absent ones left out.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "gradquake/core/export.h"
#include "gradquake/study/constants_file.h"

namespace gradquake::study {

GRADQUAKE_EXPORT nlohmann::ordered_json constants_json(const ConstantsFile& file);

}  // namespace gradquake::study

// What `gradquake theory bound|budget|predict` answers, as JSON documents and as tables.
//
// bound:   {conditions: [...], theorem1, theorem2, theorem3, theorem5}; each theorem {printed, corrected, sharp,
//          measured}, each variant {value, equation, terms: {name: value}, coefficients: {name: amplification}}, or
//          {value: null, reason}. Terms add up to the value.
// budget:  {conditions, magnitude, occurrences, step_size: [{direction, index, equation, variant, value, reason}]}
// predict: {conditions, variants: {printed: {plateau_level, recovery_steps, ...: {value, equation, reason}}, ...},
//          local}
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/constants_file.h"

namespace gradquake::cli {

GRADQUAKE_EXPORT nlohmann::ordered_json bound_json(const measure::ConstantsFile& file);
// frequency: how often a site fires in the magnitude budgets, in (0, 1].
GRADQUAKE_EXPORT nlohmann::ordered_json budget_json(const measure::ConstantsFile& file, double frequency = 1);
GRADQUAKE_EXPORT nlohmann::ordered_json predict_json(const measure::ConstantsFile& file);

// The same documents as tables for a terminal, ending with a line break.
GRADQUAKE_EXPORT std::string bound_table(const nlohmann::ordered_json& document);
GRADQUAKE_EXPORT std::string budget_table(const nlohmann::ordered_json& document);
GRADQUAKE_EXPORT std::string predict_table(const nlohmann::ordered_json& document);

}  // namespace gradquake::cli

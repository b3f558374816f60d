// Every group of kinds, in the order of a config, and what is said of them: by `gradquake kinds` and in the key tables
// of configs/README.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"

namespace gradquake::run {

GRADQUAKE_EXPORT std::vector<const KindGroup*> kind_groups();

// The group of this name, and in `kind_named` its kind. Throws UserError naming the nearest.
GRADQUAKE_EXPORT const KindGroup& group_named(const std::string& name);
GRADQUAKE_EXPORT KindInfo kind_named(const KindGroup& group, const std::string& name);

// The value of a parameter; a nested kind as a list of its words.
GRADQUAKE_EXPORT nlohmann::ordered_json value_json(const KindValue& value);
// {"name", "summary", "parameters": [{"name", "type", "required", "default", "allowed", "unit", "meaning", "only_with",
// "fields"}]}; what a parameter does not have is left out.
GRADQUAKE_EXPORT nlohmann::ordered_json kind_json(const KindInfo& kind);
// {"group", "kinds": [...]}
GRADQUAKE_EXPORT nlohmann::ordered_json group_json(const KindGroup& group);

// Lines for a reader: a kind with its keys; the kinds of a group, one line each; a Markdown table of a group.
GRADQUAKE_EXPORT std::string kind_text(const KindInfo& kind);
GRADQUAKE_EXPORT std::string group_text(const KindGroup& group);
GRADQUAKE_EXPORT std::string group_markdown(const KindGroup& group);

}  // namespace gradquake::run

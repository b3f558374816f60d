// What readers of one mapping share: its source, what was read of it, and the resolved copy.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gradquake/config/value.h"

namespace gradquake::config {

struct Tree {
  Source source;
  Value root;
};

struct Scope;

// One key of the resolved copy: a value, the mapping of a section, or a list of mappings.
struct Resolved {
  enum class Kind { kValue, kSection, kList };

  std::string key;
  Kind kind = Kind::kValue;
  Value value;
  std::vector<std::shared_ptr<Scope>> scopes;
};

struct Scope {
  std::shared_ptr<Tree> tree;
  const Value* mapping = nullptr;  // into *tree; null: absent, all defaults
  Place place;
  std::string path;                // "" at the root, else "perturbations.0"
  std::set<std::string> read;      // keys read
  std::vector<std::string> known;  // keys asked for, in that order, for suggestions
  std::vector<Resolved> resolved;  // in reading order

  // The entry given under `key`, or null; `key` becomes known.
  const Entry* look(const std::string& key);
  // The same, and counts as reading it.
  const Entry* take(const std::string& key);
  // The slot of `key` in the resolved copy.
  Resolved& slot(const std::string& key);
};

// The resolved copy as a mapping.
Value resolved_value(const Scope& scope);

}  // namespace gradquake::config

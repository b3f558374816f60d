#include "gradquake/config/scope.h"

#include <algorithm>

namespace gradquake::config {

const Entry* Scope::look(const std::string& key) {
  if (std::find(known.begin(), known.end(), key) == known.end()) known.push_back(key);
  return mapping == nullptr ? nullptr : mapping->find(key);
}

const Entry* Scope::take(const std::string& key) {
  read.insert(key);
  return look(key);
}

Resolved& Scope::slot(const std::string& key) {
  const auto found = std::find_if(resolved.begin(), resolved.end(), [&](const Resolved& r) { return r.key == key; });
  if (found != resolved.end()) return *found;
  Resolved& added = resolved.emplace_back();
  added.key = key;
  return added;
}

Value resolved_value(const Scope& scope) {
  Value mapping;
  mapping.kind = Value::Kind::kMapping;
  for (const Resolved& part : scope.resolved) {
    Value value = part.value;
    if (part.kind == Resolved::Kind::kSection) value = resolved_value(*part.scopes.front());
    if (part.kind == Resolved::Kind::kList) {
      value.kind = Value::Kind::kList;
      for (const auto& item : part.scopes) value.items.push_back(resolved_value(*item));
    }
    mapping.entries.push_back({.key = part.key, .place = {}, .value = std::move(value)});
  }
  return mapping;
}

}  // namespace gradquake::config

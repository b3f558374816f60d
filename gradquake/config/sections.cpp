// The part of Reader that finds its way: what is there, sections, lists, places, unknown keys.
#include <utility>

#include "gradquake/config/reader.h"
#include "gradquake/config/scope.h"
#include "gradquake/core/error.h"
#include "gradquake/hooks/nearest.h"

namespace gradquake::config {
namespace {

using Kind = Value::Kind;

std::shared_ptr<Scope> child(const Scope& parent, const std::string& path, const Value* mapping, Place place) {
  auto scope = std::make_shared<Scope>();
  scope->tree = parent.tree;
  scope->mapping = mapping;
  scope->place = place;
  scope->path = path;
  return scope;
}

}  // namespace

void Reader::require(const std::string& key) {
  if (scope_->look(key) == nullptr) fail(key, "expected a value, got nothing (the key is required)");
}

bool Reader::has(const std::string& key) const { return scope_->look(key) != nullptr; }

std::vector<std::string> Reader::given_keys() const {
  std::vector<std::string> keys;
  if (scope_->mapping != nullptr)
    for (const Entry& entry : scope_->mapping->entries) keys.push_back(entry.key);
  return keys;
}

bool Reader::is_null(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kNull;
}

bool Reader::is_mapping(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kMapping;
}

bool Reader::is_list(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kList;
}

bool Reader::is_scalar(const std::string& key) const {
  const Entry* entry = scope_->look(key);
  return entry != nullptr && entry->value.kind == Kind::kScalar;
}

Reader Reader::section(const std::string& key) {
  const Entry* entry = scope_->take(key);
  if (entry != nullptr && entry->value.kind != Kind::kMapping)
    fail(key, "expected a mapping, got " + describe(entry->value));
  Resolved& slot = scope_->slot(key);
  if (slot.kind != Resolved::Kind::kSection) {
    slot.kind = Resolved::Kind::kSection;
    slot.scopes = {child(*scope_, dotted(key), entry ? &entry->value : nullptr, entry ? entry->place : scope_->place)};
  }
  return Reader(slot.scopes.front());
}

std::vector<Reader> Reader::list(const std::string& key) {
  const Entry* entry = scope_->take(key);
  if (entry != nullptr && entry->value.kind != Kind::kList)
    fail(key, "expected a list of mappings, got " + describe(entry->value));
  Resolved& slot = scope_->slot(key);
  if (slot.kind != Resolved::Kind::kList) {
    slot.kind = Resolved::Kind::kList;
    for (std::size_t i = 0; entry != nullptr && i < entry->value.items.size(); ++i) {
      const Value& item = entry->value.items[i];
      const std::string path = dotted(key) + "." + std::to_string(i);
      if (item.kind != Kind::kMapping)
        scope_->tree->source.fail(item.place, one_line(path) + ": expected a mapping, got " + describe(item));
      slot.scopes.push_back(child(*scope_, path, &item, item.place));
    }
  }
  std::vector<Reader> readers;
  for (const auto& scope : slot.scopes) readers.push_back(Reader(scope));
  return readers;
}

void Reader::fail(const std::string& key, const std::string& message) const {
  throw UserError("config", place(key) + ": " + one_line(dotted(key)) + ": " + message);
}

std::string Reader::place(const std::string& key) const {
  const Entry* entry = scope_->mapping == nullptr ? nullptr : scope_->mapping->find(key);
  return scope_->tree->source.place(entry == nullptr ? scope_->place : entry->place);
}

std::string Reader::dotted(const std::string& key) const {
  if (key.empty()) return scope_->path;
  return scope_->path.empty() ? key : scope_->path + "." + key;
}

void Reader::pass_over(const std::string& key) { scope_->take(key); }

void Reader::finish() {
  if (scope_->mapping == nullptr) return;
  for (const Entry& entry : scope_->mapping->entries) {
    if (scope_->read.contains(entry.key)) continue;
    const std::string close = detail::nearest(entry.key, scope_->known);
    fail(entry.key, "expected a known key, got '" + one_line(entry.key) + "'" +
                        (close.empty() ? " (none is known here)" : " (nearest: " + close + ")"));
  }
}

}  // namespace gradquake::config

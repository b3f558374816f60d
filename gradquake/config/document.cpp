#include "gradquake/config/document.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "gradquake/config/emit.h"
#include "gradquake/config/overrides.h"
#include "gradquake/config/parse.h"
#include "gradquake/config/scope.h"

namespace gradquake::config {
namespace {

std::string read_file(const Source& source) {
  std::error_code ignored;
  if (std::filesystem::is_directory(source.name, ignored)) source.fail({}, "expected a YAML file, got a directory");
  std::ifstream file(source.name, std::ios::binary);
  if (!file) source.fail({}, std::string("expected a readable YAML file, got: ") + std::strerror(errno));
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) source.fail({}, "expected a readable YAML file, got an error while reading");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::shared_ptr<Scope> build(Source source, const std::string& text) {
  if (text.size() > kMostBytes)
    source.fail({}, "expected at most " + std::to_string(kMostBytes >> 20) + " MB, got a larger file");
  auto tree = std::make_shared<Tree>(Tree{.source = std::move(source), .root = {}});
  tree->root = parse_yaml(text, tree->source, -1);
  if (tree->root.kind != Value::Kind::kMapping) {
    const bool nothing = tree->root.kind == Value::Kind::kNull;
    tree->source.fail(nothing ? Place{} : tree->root.place,
                      "expected a mapping of keys to values, got " + (nothing ? "nothing" : describe(tree->root)));
  }
  for (std::size_t i = 0; i < tree->source.overrides.size(); ++i)
    apply_override(tree->root, tree->source, static_cast<int>(i));
  auto scope = std::make_shared<Scope>();
  scope->mapping = &tree->root;
  scope->place = tree->root.place;
  scope->tree = std::move(tree);
  return scope;
}

// The mapping that holds the last part of `parts`, and its entry; null where absent.
std::pair<Value*, Entry*> locate(Value& root, const std::vector<std::string>& parts) {
  Value* mapping = &root;
  Entry* entry = nullptr;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (entry != nullptr) mapping = &entry->value;
    entry = mapping->find(parts[i]);
    if (entry == nullptr) return {nullptr, nullptr};
  }
  return {mapping, entry};
}

}  // namespace

Document::Document(std::shared_ptr<Scope> scope) : scope_(std::move(scope)) {}

Document Document::load(const std::string& path, const std::vector<std::string>& overrides) {
  Source source{.name = path, .overrides = overrides};
  const std::string text = read_file(source);
  return Document(build(std::move(source), text));
}

Document Document::parse(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  return Document(build({.name = name, .overrides = overrides}, text));
}

void Document::exclusive(const std::string& dotted_a, const std::string& dotted_b) {
  if (!scope_->known.empty()) throw std::logic_error("Document::exclusive after reading began");
  Tree& tree = *scope_->tree;
  const auto a = locate(tree.root, split_dotted(dotted_a, tree.source, {}));
  const auto b = locate(tree.root, split_dotted(dotted_b, tree.source, {}));
  if (a.second == nullptr || b.second == nullptr) return;
  const int a_override = a.second->place.override_index;
  const int b_override = b.second->place.override_index;
  if (a_override == b_override) {
    tree.source.fail(b.second->place, dotted_b + ": expected at most one of " + dotted_a + " and " + dotted_b +
                                          ", got both (the other at " + tree.source.place(a.second->place) + ")");
  }
  const auto& [mapping, entry] = a_override < b_override ? a : b;
  mapping->entries.erase(mapping->entries.begin() + (entry - mapping->entries.data()));
}

Reader Document::root() { return Reader(scope_); }

std::string Document::resolved() const { return emit(resolved_value(*scope_)); }

}  // namespace gradquake::config

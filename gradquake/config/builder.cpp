#include "gradquake/config/builder.h"

#include <algorithm>

#include "gradquake/config/parse.h"

namespace gradquake::config {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
}

}  // namespace

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  if (documents_++ > 0) source_.fail(place(mark), "expected one document, got more text after it");
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  Value value;
  value.place = place(mark);
  count(value.place, Weight{});
  add(std::move(value), anchor, Weight{});
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) {
  Value value;
  value.kind = Value::Kind::kScalar;
  value.place = last_scalar_ = place(mark);
  value.text = text;
  value.quoted = tag == "!";
  refuse_tag(value.place, tag);
  if (std::any_of(text.begin(), text.end(), is_control))
    source_.fail(value.place, "expected text without control characters, got '" + one_line(text) + "'");
  const Weight weight{.bytes = text.size()};
  count(value.place, weight);
  add(std::move(value), anchor, weight);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto anchored = anchors_.find(anchor);
  if (anchored == anchors_.end())
    source_.fail(place(mark), "expected a complete value, got an alias of its own anchor");
  const auto& [original, weight] = anchored->second;
  count(place(mark), weight);
  if (open_.size() + weight.levels > kMostLevels) too_deep(place(mark));
  Value value = original;
  value.place = place(mark);
  add(std::move(value), 0, weight);
}

void Builder::refuse_tag(Place where, const std::string& tag) const {
  if (!tag.empty() && tag != "?" && tag != "!")
    source_.fail(where, "expected a value without a tag, got the tag '" + one_line(tag) + "'");
}

void Builder::too_deep(Place where) const {
  source_.fail(where, "expected at most " + std::to_string(kMostLevels) + " levels of nesting, got more");
}

void Builder::not_a_key(Place where) const {
  source_.fail(where, "expected a key, got null, a list or a mapping (is a bracket left open?)");
}

void Builder::count(Place where, const Weight& weight) {
  values_ += weight.values;
  bytes_ += weight.bytes;
  if (values_ > kMostValues || bytes_ > kMostBytes) {
    source_.fail(where, "expected at most " + std::to_string(kMostValues) + " values and " +
                            std::to_string(kMostBytes >> 20) + " MB with aliases expanded, got more");
  }
}

void Builder::open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind) {
  const Place where = place(mark);
  refuse_tag(where, tag);
  count(where, Weight{});
  if (!open_.empty() && open_.back().value.kind == Value::Kind::kMapping && !open_.back().key) not_a_key(where);
  if (open_.size() + 1 > kMostLevels) too_deep(where);
  Open& level = open_.emplace_back();
  level.value.kind = kind;
  level.value.place = where;
  level.anchor = anchor;
  level.weight.levels = 1;
}

void Builder::close() {
  Open level = std::move(open_.back());
  open_.pop_back();
  add(std::move(level.value), level.anchor, level.weight);
}

void Builder::add(Value value, YAML::anchor_t anchor, const Weight& weight) {
  if (anchor != 0) {
    count(value.place, weight);  // the copy kept for aliases
    anchors_[anchor] = {value, weight};
  }
  if (open_.empty()) {
    result_ = std::move(value);
    return;
  }
  Open& parent = open_.back();
  parent.weight.values += weight.values;
  parent.weight.bytes += weight.bytes;
  parent.weight.levels = std::max(parent.weight.levels, weight.levels + 1);
  if (parent.value.kind == Value::Kind::kList) {
    parent.value.items.push_back(std::move(value));
  } else if (parent.key) {
    parent.value.entries.push_back({std::move(parent.key->first), parent.key->second, std::move(value)});
    parent.key.reset();
  } else {
    begin_entry(parent, value);
  }
}

void Builder::begin_entry(Open& parent, const Value& key) {
  if (key.kind != Value::Kind::kScalar) not_a_key(key.place);
  if (key.text == "<<" && !key.quoted)
    source_.fail(key.place, "expected a key, got a merge '<<', which is not supported");
  const auto [first, is_new] = parent.key_lines.emplace(key.text, key.place.line);
  if (!is_new) {
    source_.fail(key.place, "expected each key once, got a second '" + one_line(key.text) + "' (the first is on line " +
                                std::to_string(first->second) + ")");
  }
  parent.key = {key.text, key.place};
}

}  // namespace gradquake::config

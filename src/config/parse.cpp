#include "gradquake/config/parse.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "gradquake/config/utf8.h"

namespace gradquake::config {
namespace {

// How much a value counts towards the limits.
struct Weight {
  std::size_t values = 1;
  std::size_t bytes = 0;
  std::size_t levels = 0;
};

struct Anchored {
  Value value;
  Weight weight;
};

// A list or mapping whose end has not come yet.
struct Open {
  Value value;
  YAML::anchor_t anchor = 0;
  Weight weight;
  std::optional<std::pair<std::string, Place>> key;
  std::unordered_map<std::string, int> key_lines;
};

class Builder : public YAML::EventHandler {
 public:
  Builder(const Source& source, int override_index) : source_(source), override_index_(override_index) {}

  Value take() { return std::move(result_); }
  Place last_scalar() const { return last_scalar_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) source_.fail(place(mark), "expected one document, got more text after it");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Value value;
    value.place = place(mark);
    count(mark, Weight{});
    add(mark, std::move(value), anchor, Weight{});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_tag(mark, tag);
    last_scalar_ = place(mark);
    if (const auto bad = std::find_if(text.begin(), text.end(), is_control); bad != text.end()) {
      source_.fail(place(mark), "expected text without control characters, got '" + one_line(text) + "'");
    }
    Value value;
    value.kind = Value::Kind::kScalar;
    value.place = place(mark);
    value.text = text;
    value.quoted = tag == "!";
    const Weight weight{.bytes = text.size()};
    count(mark, weight);
    add(mark, std::move(value), anchor, weight);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto anchored = anchors_.find(anchor);
    if (anchored == anchors_.end())
      source_.fail(place(mark), "expected a complete value, got an alias of its own anchor");
    count(mark, anchored->second.weight);
    if (open_.size() + anchored->second.weight.levels > kMostLevels) too_deep(mark);
    Value value = anchored->second.value;
    value.place = place(mark);
    add(mark, std::move(value), 0, anchored->second.weight);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::kMapping);
  }
  void OnMapEnd() override { close(); }

 private:
  static bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
  }

  Place place(const YAML::Mark& mark) const { return {.line = mark.line + 1, .override_index = override_index_}; }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      source_.fail(place(mark), "expected a value without a tag, got the tag '" + one_line(tag) + "'");
    }
  }

  [[noreturn]] void too_deep(const YAML::Mark& mark) const {
    source_.fail(place(mark), "expected at most " + std::to_string(kMostLevels) + " levels of nesting, got more");
  }

  void count(const YAML::Mark& mark, const Weight& weight) {
    values_ += weight.values;
    bytes_ += weight.bytes;
    if (values_ > kMostValues || bytes_ > kMostBytes) {
      source_.fail(place(mark), "expected at most " + std::to_string(kMostValues) + " values and " +
                                    std::to_string(kMostBytes >> 20) + " MB with aliases expanded, got more");
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind) {
    refuse_tag(mark, tag);
    count(mark, Weight{});
    if (!open_.empty() && open_.back().value.kind == Value::Kind::kMapping && !open_.back().key) not_a_key(mark);
    if (open_.size() + 1 > kMostLevels) too_deep(mark);
    Open& level = open_.emplace_back();
    level.value.kind = kind;
    level.value.place = place(mark);
    level.anchor = anchor;
    level.weight.levels = 1;
  }

  void close() {
    Open level = std::move(open_.back());
    open_.pop_back();
    YAML::Mark mark;
    mark.line = level.value.place.line - 1;
    add(mark, std::move(level.value), level.anchor, level.weight);
  }

  [[noreturn]] void not_a_key(const YAML::Mark& mark) const {
    source_.fail(place(mark), "expected a key, got null, a list or a mapping (is a bracket left open?)");
  }

  void add(const YAML::Mark& mark, Value value, YAML::anchor_t anchor, const Weight& weight) {
    if (anchor != 0) {
      count(mark, weight);  // the copy kept for aliases
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
      begin_entry(mark, parent, value);
    }
  }

  void begin_entry(const YAML::Mark& mark, Open& parent, const Value& key) {
    if (key.kind != Value::Kind::kScalar) not_a_key(mark);
    if (key.text == "<<" && !key.quoted)
      source_.fail(key.place, "expected a key, got a merge '<<', which is not supported");
    const auto [first, is_new] = parent.key_lines.emplace(key.text, key.place.line);
    if (!is_new) {
      source_.fail(key.place, "expected each key once, got a second '" + one_line(key.text) +
                                  "' (the first is on line " + std::to_string(first->second) + ")");
    }
    parent.key = {key.text, key.place};
  }

  const Source& source_;
  int override_index_;
  int documents_ = 0;
  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Place last_scalar_;
  Value result_;
};

class Ignore : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

void scan(const std::string& text, YAML::EventHandler& handler) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  while (parser.HandleNextDocument(handler)) {
  }
}

// yaml-cpp 0.7 takes the end of the text for the end of a quote, but refuses an end mark inside one.
bool leaves_a_quote_open(const std::string& text) {
  Ignore ignore;
  try {
    scan(text + "\n...\n", ignore);
  } catch (const YAML::Exception&) {
    return true;
  }
  return false;
}

}  // namespace

Value parse_yaml(const std::string& raw, const Source& source, int override_index) {
  const std::string text = normalized(raw);
  if (const auto bad = find_bad_byte(text)) source.fail({bad->line, override_index}, bad->problem);
  Builder builder(source, override_index);
  try {
    scan(text, builder);
  } catch (const YAML::Exception& error) {
    const bool star = error.msg.find("alias") != std::string::npos || error.msg.find("anchor") != std::string::npos;
    source.fail({std::max(error.mark.line + 1, 1), override_index},
                "expected YAML, got a mistake at column " + std::to_string(std::max(error.mark.column + 1, 1)) + ": " +
                    one_line(error.msg) + (star ? " (quote text that starts with * or &)" : ""));
  }
  if (leaves_a_quote_open(text)) source.fail(builder.last_scalar(), "expected YAML, got a quote that is never closed");
  return builder.take();
}

}  // namespace gradquake::config

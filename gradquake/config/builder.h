// Builds a Value from yaml-cpp's events and stops at the limits. One Builder reads one document; a second one is
// refused. Every mistake throws UserError with its place.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gradquake/config/value.h"

namespace gradquake::config {

// How much a value counts towards the limits.
struct Weight {
  std::size_t values = 1;
  std::size_t bytes = 0;
  std::size_t levels = 0;
};

class Builder : public YAML::EventHandler {
 public:
  Builder(const Source& source, int override_index) : source_(source), override_index_(override_index) {}

  Value take() { return std::move(result_); }
  Place last_scalar() const { return last_scalar_; }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
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
  struct Anchored {
    Value value;
    Weight weight;
  };

  // A list or mapping whose end has not come yet.
  struct Open {
    Value value;
    YAML::anchor_t anchor = 0;
    Weight weight;
    std::optional<std::pair<std::string, Place>> key;  // a mapping's key that waits for its value
    std::unordered_map<std::string, int> key_lines;
  };

  Place place(const YAML::Mark& mark) const { return {.line = mark.line + 1, .override_index = override_index_}; }
  void refuse_tag(Place where, const std::string& tag) const;
  [[noreturn]] void too_deep(Place where) const;
  [[noreturn]] void not_a_key(Place where) const;

  void count(Place where, const Weight& weight);
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind);
  void close();
  void add(Value value, YAML::anchor_t anchor, const Weight& weight);
  void begin_entry(Open& parent, const Value& key);

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

}  // namespace gradquake::config

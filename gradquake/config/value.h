// A config value as it was written, each with its place. What parse.h makes of YAML and reader.h reads.
#pragma once

#include <string>
#include <vector>

namespace gradquake::config {

// Where something was written: a line of the file, counted from 1, or an override.
struct Place {
  int line = 0;
  int override_index = -1;  // index into Source::overrides; -1: the file
};

// The file's name and the overrides' texts, to say places with.
struct Source {
  std::string name;
  std::vector<std::string> overrides;

  // "digits.yaml:12" or "override 'run.seed=x'"
  std::string place(Place place) const;
  // Throws UserError "place: message".
  [[noreturn]] void fail(Place place, const std::string& message) const;
};

struct Entry;

struct Value {
  enum class Kind { kNull, kScalar, kList, kMapping };

  Kind kind = Kind::kNull;
  Place place{};
  std::string text{};          // of a scalar, after YAML's unescaping
  bool quoted = false;         // written in quotes or as a block: text only, never a number
  std::vector<Value> items{};  // of a list
  std::vector<Entry> entries;  // of a mapping, in the order written

  const Entry* find(const std::string& key) const;
  Entry* find(const std::string& key);
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Value value;
};

// "a mapping", "null", "3", "'abc'", "the text '3'": for "got ...".
std::string describe(const Value& value);

// `text` on one line, at most about 60 bytes of it: control characters escaped, the rest cut.
std::string one_line(const std::string& text);

}  // namespace gradquake::config

// Reads one mapping of a config: typed, with ranges and defaults, and says where a mistake stands.
//
//   Reader optimizer = document.root().section("optimizer");
//   options.kind = optimizer.choice("kind", "sgd", {"sgd", "adam"});
//   options.learning_rate = optimizer.number("learning_rate", 0.05, Range::positive());
//   options.clip_norm = optimizer.number_or_null("clip_norm", std::nullopt, Range::positive());
//   optimizer.finish();  // any other key is unknown
//
// A Reader is a cheap handle: copies, and readers of the same section, share what was read. Every value read, defaults
// included, is written to the document's resolved copy in reading order. Every mistake throws UserError, one line:
//   [config] digits.yaml:12: optimizer.learning_rate: expected a number > 0, got -1
//   [config] override 'model.kind=mpl': model.kind: expected one of mlp, cnn, got 'mpl' (nearest: mlp)
//
// Types: a number is decimal (`3`, `.5`, `1.0e-3`), finite in float64; an integer may also be written `1e3` or `5.0`,
// where exact and at most 2^53 in size; a boolean is `true` or `false`; text is any scalar but null, and a quoted
// scalar is text only. Defaults are not checked against ranges.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/config/range.h"
#include "gradquake/hooks/export.h"

namespace gradquake::config {

struct Scope;

class GRADQUAKE_EXPORT Reader {
 public:
  static constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

  double number(const std::string& key, double def, Range range = {});
  std::optional<double> number_or_null(const std::string& key, std::optional<double> def, Range range = {});
  std::int64_t integer(const std::string& key, std::int64_t def, std::int64_t min, std::int64_t max = kLargest);
  std::optional<std::int64_t> integer_or_null(const std::string& key, std::optional<std::int64_t> def, std::int64_t min,
                                              std::int64_t max = kLargest);
  // An integer, or `word` in its place (`threads: auto`), which reads as nullopt.
  std::optional<std::int64_t> integer_or_word(const std::string& key, const std::string& word,
                                              std::optional<std::int64_t> def, std::int64_t min,
                                              std::int64_t max = kLargest);
  bool boolean(const std::string& key, bool def);
  std::string text(const std::string& key, const std::string& def);
  std::optional<std::string> text_or_null(const std::string& key, const std::optional<std::string>& def);
  std::string choice(const std::string& key, const std::string& def, const std::vector<std::string>& names);
  std::vector<std::int64_t> integers(const std::string& key, const std::vector<std::int64_t>& def, std::int64_t min,
                                     std::int64_t max = kLargest);
  std::vector<double> numbers(const std::string& key, const std::vector<double>& def, Range range = {});
  std::vector<std::string> texts(const std::string& key, const std::vector<std::string>& def);

  // The key belongs to another reader of the same file: it is neither unknown nor part of the resolved copy.
  void pass_over(const std::string& key);

  // Fails unless the key is given.
  void require(const std::string& key);

  // What was given, defaults aside. Asking makes the key known to suggestions, but does not count as reading it.
  bool has(const std::string& key) const;
  // The keys that were given, for mappings whose keys are the user's own names.
  std::vector<std::string> given_keys() const;
  bool is_null(const std::string& key) const;
  bool is_mapping(const std::string& key) const;
  bool is_list(const std::string& key) const;
  bool is_scalar(const std::string& key) const;

  // The mapping under `key`; where absent an empty one, so that its defaults apply.
  Reader section(const std::string& key);
  // The mappings listed under `key`; none where absent.
  std::vector<Reader> list(const std::string& key);

  // Replaces what the resolved copy says of `key`.
  void set_resolved(const std::string& key, const std::string& value);
  void set_resolved(const std::string& key, const char* value);
  void set_resolved(const std::string& key, double value);
  void set_resolved(const std::string& key, std::int64_t value);

  // Throws UserError with the place and the dotted key (of the mapping itself for ""); `message` says "expected ...,
  // got ...".
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;
  // "digits.yaml:12" or "override 'run.seed=x'"; of an absent key, where its mapping stands.
  std::string place(const std::string& key) const;
  // "optimizer.learning_rate", "perturbations.0.scale".
  std::string dotted(const std::string& key) const;

  // Fails on the first key of this mapping that nobody read. Sections finish themselves.
  void finish();

 private:
  friend class Document;
  explicit Reader(std::shared_ptr<Scope> scope);
  std::shared_ptr<Scope> scope_;
};

}  // namespace gradquake::config

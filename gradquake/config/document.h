// A config: one YAML file, with command-line overrides laid over it.
//
//   Document document = Document::load("configs/digits.yaml", {"run.seed=3", "perturbations.0.scale=0.2"});
//   document.exclusive("run.steps", "run.epochs");
//   Reader root = document.root();
//
// An override is `dotted.key=value`, the value being YAML (`perturbations=[]`, `monitor.shadow={interval: 5}`). It
// replaces the whole value, creates missing mappings, and steps into lists by index from 0. Later ones win.
//
// The file is one mapping in UTF-8 of at most 10 MB, 64 levels and 100,000 values, aliases expanded. Duplicate keys,
// tags, merge keys (`<<`) and further documents are refused. Every mistake throws UserError with its place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"

namespace gradquake::config {

class GRADQUAKE_EXPORT Document {
 public:
  static Document load(const std::string& path, const std::vector<std::string>& overrides = {});
  // The same from text; `name` stands for the file in places.
  static Document parse(const std::string& text, const std::string& name,
                        const std::vector<std::string>& overrides = {});

  // Two keys of which a config gives at most one: an override of one removes the other, both in the file are refused.
  // Call before reading.
  void exclusive(const std::string& dotted_a, const std::string& dotted_b);

  Reader root();

  // What was read so far, defaults included, as YAML text in reading order. Once all components have read, it is itself
  // a config of the same run: numbers are the shortest text that gives the same bits.
  std::string resolved() const;

 private:
  explicit Document(std::shared_ptr<Scope> scope);
  std::shared_ptr<Scope> scope_;
};

}  // namespace gradquake::config

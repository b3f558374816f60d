// What is wrong with one rule: which rule, and which of its keys, so that a reader of configs can say where it stands.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "gradquake/hooks/export.h"

namespace gradquake {

class GRADQUAKE_EXPORT RuleError : public std::invalid_argument {
 public:
  // rule: its position; key: label, sites, direction, kind, scale, mean, draw or schedule.
  RuleError(std::size_t rule, std::string key, const std::string& message)
      : std::invalid_argument(message), rule_(rule), key_(std::move(key)) {}

  std::size_t rule() const { return rule_; }
  const std::string& key() const { return key_; }

 private:
  std::size_t rule_;
  std::string key_;
};

}  // namespace gradquake

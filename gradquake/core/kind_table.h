// What `kind:` may say in a section of a config: names with their factories, open to additions from any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/core/error.h"

namespace gradquake {

template <class Factory>
class KindTable {
 public:
  struct Kind {
    Factory factory;
    std::vector<std::string> parameter_names;  // the kind's own keys, each a required number
  };

  // `section` is the config's word, "model" or "data".
  KindTable(std::string section, std::map<std::string, Kind> kinds)
      : section_(std::move(section)), kinds_(std::move(kinds)) {}

  // Throws UserError when the kind exists already.
  void add(const std::string& kind, Factory factory, std::vector<std::string> parameter_names) {
    const std::lock_guard lock(mutex_);
    if (!kinds_.emplace(kind, Kind{std::move(factory), std::move(parameter_names)}).second)
      throw UserError(section_, "expected a new " + section_ + " kind, got '" + kind + "', which exists");
  }

  // A copy, so that it can be called outside the lock. Throws UserError, naming the kinds there are.
  Kind find(const std::string& kind) const {
    const std::lock_guard lock(mutex_);
    const auto found = kinds_.find(kind);
    if (found != kinds_.end()) return found->second;
    std::string known;
    for (const auto& [name, unused] : kinds_) known += (known.empty() ? "" : ", ") + name;
    throw UserError(section_, "expected a " + section_ + " kind of " + known + ", got '" + kind + "'");
  }

  std::vector<std::string> names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, unused] : kinds_) names.push_back(name);
    return names;
  }

 private:
  const std::string section_;
  mutable std::mutex mutex_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace gradquake

// The names of modules that were registered twice. Internal to model/exported/.
#pragma once

#include <map>
#include <string>

#include "gradquake/model/exported/program.h"

namespace gradquake::model::exported {

// A module registered under two names holds the same parameters under both. The first name of state_dict() counts.
class ModuleNames {
 public:
  explicit ModuleNames(const Program& program);

  // The name that counts.
  std::string of(const std::string& path) const;
  // A name that does not, and the one that counts.
  const std::map<std::string, std::string>& same() const { return same_; }

 private:
  std::map<std::string, std::string> same_;
};

}  // namespace gradquake::model::exported

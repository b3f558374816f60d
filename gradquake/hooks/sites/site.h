// A site: the boundary after an operator or module, known by its name ("layers.2"). The name is looked up once, in a
// table shared by the whole process, so that a tap through a Site costs no look-up. Cheap to copy; equal names give
// equal ids. The table keeps every name for the life of the process.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gradquake/hooks/export.h"

namespace gradquake {

class GRADQUAKE_EXPORT Site {
 public:
  explicit Site(std::string_view name);  // throws std::invalid_argument when empty

  const std::string& name() const { return *name_; }
  std::size_t id() const { return id_; }  // dense, counted from 0 in the order of first use

 private:
  const std::string* name_;
  std::size_t id_;
};

}  // namespace gradquake

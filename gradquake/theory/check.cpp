#include "gradquake/theory/check.h"

#include <cmath>
#include <cstdio>

#include "gradquake/core/error.h"

namespace gradquake::theory {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void require(bool holds, const std::string& expected, const std::string& got) {
  if (!holds) throw UserError("theory", "expected " + expected + ", got " + got);
}

void require_positive(const std::string& name, double value) {
  require(std::isfinite(value) && value > 0, name + " to be a finite number > 0", number(value));
}

void require_nonnegative(const std::string& name, double value) {
  require(std::isfinite(value) && value >= 0, name + " to be a finite number >= 0", number(value));
}

}  // namespace gradquake::theory

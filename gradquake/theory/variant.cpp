#include "gradquake/theory/variant.h"

namespace gradquake::theory {

std::string to_string(Variant variant) {
  switch (variant) {
    case Variant::printed:
      return "printed";
    case Variant::corrected:
      return "corrected";
    case Variant::sharp:
      return "sharp";
    case Variant::measured:
      return "measured";
  }
  return {};
}

}  // namespace gradquake::theory

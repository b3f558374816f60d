#include "gradquake/theory/variant.h"

namespace gradquake::theory {

std::string to_string(Variant variant) {
  switch (variant) {
    case Variant::kPrinted:
      return "printed";
    case Variant::kCorrected:
      return "corrected";
    case Variant::kSharp:
      return "sharp";
    case Variant::kMeasured:
      return "measured";
  }
  return {};
}

}  // namespace gradquake::theory

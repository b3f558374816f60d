// The four readings of every bound (docs/theory.md 2; the paper is arXiv 2602.20646).
//
//   printed    the constants exactly as the paper prints them, misprints included
//   corrected  the same with the lost factor 2 of (21), C_hess in (33a) and the weights T-1-t of (38)
//   sharp      per-operator constants and Minkowski's inequality instead of the factors 2 and 3
//   measured   ||u~ - u||^2 and ||E_t[u~ - u]||^2 observed, no operator constant at all
#pragma once

#include <array>
#include <optional>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake::theory {

enum class Variant { printed, corrected, sharp, measured };

inline constexpr std::array<Variant, 4> kVariants{Variant::printed, Variant::corrected, Variant::sharp,
                                                  Variant::measured};

GRADQUAKE_EXPORT std::string to_string(Variant variant);

// A bound, or the reason why there is none: an absent constant, or a condition that does not hold.
template <class Bound>
struct Outcome {
  std::optional<Bound> bound;
  std::string reason;  // empty exactly where bound is present
};

}  // namespace gradquake::theory

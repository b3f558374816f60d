#pragma once

namespace gradquake::theory {

constexpr double square(double x) { return x * x; }

}  // namespace gradquake::theory

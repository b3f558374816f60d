#include "gradquake/theory/shares.h"

#include <boost/math/distributions/binomial.hpp>

namespace gradquake::theory {

Share exact_share(std::int64_t hits, std::int64_t all) {
  using Binomial = boost::math::binomial_distribution<>;
  constexpr double kTail = 0.025;
  const auto n = static_cast<double>(all), k = static_cast<double>(hits);
  return {k / n, Binomial::find_lower_bound_on_p(n, k, kTail), Binomial::find_upper_bound_on_p(n, k, kTail)};
}

}  // namespace gradquake::theory

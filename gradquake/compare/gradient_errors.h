// What is added up of the gradient errors e = u~ - u of one batch, in one pass over the gradients' numbers: they are
// many, and the draws too.
//
//   ||e||^2, <e, u>   of each draw
//   m                 e of a draw, or (e+ + e-)/2 of a pair; summed over draws, and ||m||^2
//
// In float64, in fixed lanes, so that the result does not depend on the instruction set.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace gradquake::compare {

using Parts = std::vector<at::Tensor>;  // a gradient: a tensor a parameter; undefined: 0

struct ErrorSums {
  double squared = 0;  // ||e||^2
  double along = 0;    // <e, u>
};

class GradientErrors {
 public:
  // u, whose shapes all others share.
  explicit GradientErrors(const Parts& clean);

  double clean_squared() const { return clean_squared_; }  // ||u||^2

  using Sum = std::vector<double>;  // of m; empty: nothing yet

  // m = e, from u~, and from e itself. ||m||^2 is ||e||^2. Null: m is not summed.
  ErrorSums draw(const Parts& perturbed, Sum& sum) const;
  ErrorSums error(const Parts& error, Sum* sum) const;

  struct Pair {
    ErrorSums plus, minus;
    double middle_squared = 0;  // ||m||^2
  };
  Pair pair(const Parts& plus, const Parts& minus, Sum& sum) const;

 private:
  ErrorSums draw(const Parts& parts, double shift, Sum* sum) const;

  std::vector<double> clean_;
  std::vector<std::size_t> sizes_;  // of the parts
  double clean_squared_ = 0;
};

}  // namespace gradquake::compare

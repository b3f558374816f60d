// The built-in regularisers, one file each, for the table in regularizer.cpp; and what they share. Internal to train/.
#pragma once

#include <ATen/ATen.h>

#include "gradquake/train/regularizer.h"

namespace gradquake::train::kinds {

using RegularizerKind = Registry<RegularizerFactory>::Kind;

RegularizerKind no_regularizer();
RegularizerKind l2_regularizer();
RegularizerKind nonconvex_regularizer();

// The sum of term(w) over every element of every parameter.
template <class Term>
at::Tensor sum_of_terms(const std::vector<at::Tensor>& parameters, const Term& term) {
  at::Tensor sum;
  for (const at::Tensor& w : parameters) {
    const at::Tensor part = term(w).sum();
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

}  // namespace gradquake::train::kinds

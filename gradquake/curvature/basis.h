// The orthonormal vectors of a Krylov space, kept as rows of the parameters' dtype; dot products accumulate in float64.
// Internal to curvature: vectors are contiguous one-dimensional CPU tensors of float32 or float64.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace gradquake::curvature {

double inner_product(const at::Tensor& a, const at::Tensor& b);
double length(const at::Tensor& a);
void subtract(at::Tensor& w, double factor, const at::Tensor& q);  // w <- w - factor q

class Basis {
 public:
  void append(at::Tensor unit_vector) { vectors_.push_back(std::move(unit_vector)); }
  const at::Tensor& operator[](std::size_t i) const { return vectors_[i]; }
  std::size_t size() const { return vectors_.size(); }

  // w <- (I - Q Q') w against all vectors, repeated while cancellation eats the result; returns ||w|| afterwards.
  double project_out(at::Tensor& w) const;

 private:
  std::vector<at::Tensor> vectors_;
};

}  // namespace gradquake::curvature

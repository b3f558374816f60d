// Chains of operators y_i = f_i(y_{i-1}, w_i) in plain double arithmetic, their perturbed passes (5) by hand recursion,
// and Assumption 3's constants in closed form: what the bounds are judged by.
#pragma once

#include <random>
#include <vector>

#include "gradquake/theory/constants.h"

namespace gradquake::verification {

using Vector = std::vector<double>;

// Row-major, rows x columns.
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  Vector entries;
};

Vector multiply(const Matrix& A, const Vector& x);
Vector multiply_transposed(const Matrix& A, const Vector& x);
double norm(const Vector& x);

// Rows (or columns, where there are more rows) orthonormal, times `scale`: its operator norm is |scale|.
Matrix scaled_orthonormal(std::size_t rows, std::size_t columns, double scale, std::mt19937_64& random);

enum class Kind {
  kAffine,     // y = Q x + k w
  kLinear,     // y = W x, the weights are W
  kQuadratic,  // y = a/2 z*z + b z + w   with z = Q x, elementwise
  kGated,      // y = w*z + a/2 z*z
  kSigmoid,    // y = sigmoid(z + w)
  kTanh,       // y = tanh(z + w)
};

struct Operator {
  Kind kind = Kind::kAffine;
  Matrix Q;          // W for Kind::kLinear
  double scale = 1;  // ||Q||_op
  Vector w;          // unused by Kind::kLinear
  double a = 0;
  double b = 0;
  double k = 1;

  Vector value(const Vector& x) const;
  Vector pull_back(const Vector& x, const Vector& v) const;        // J(x)^T v
  Vector weight_gradient(const Vector& x, const Vector& v) const;  // K(x)^T v

  // Closed-form c, k, ell, D, E on the ball ||x|| <= radius; nu is left at 0.
  theory::OperatorConstants constants(double radius) const;
  double output_radius(double radius) const;  // >= ||value(x)|| on that ball
};

struct Chain {
  Vector input;
  std::vector<Operator> operators;
};

// delta[j-1] is added to y_j, eps[i-2] to v_{i-1}; an empty vector stands for zero.
struct Perturbation {
  std::vector<Vector> delta;
  std::vector<Vector> eps;
};

struct Pass {
  std::vector<Vector> y;  // y_0 .. y_N
  std::vector<Vector> v;  // v_0 unused, v_1 .. v_N
  std::vector<Vector> u;  // u_1 .. u_N at 0 .. N-1
};

// The recursion (5); Jacobians at the perturbed activations.
Pass perturbed_pass(const Chain& chain, const Perturbation& perturbation);
Pass clean_pass(const Chain& chain);

// Per-operator constants on the region that perturbations with ||delta_j|| <= largest_delta[j-1] can reach, nu exact.
std::vector<theory::OperatorConstants> chain_constants(const Chain& chain, const Vector& largest_delta);

// A random chain: N operators of random kinds, inner dimensions 1..max_dimension, scalar output.
Chain random_chain(int N, std::size_t max_dimension, std::mt19937_64& random);

}  // namespace gradquake::verification

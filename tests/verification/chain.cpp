#include "chain.h"

#include <algorithm>
#include <cmath>

namespace gradquake::verification {
namespace {

double largest(const Vector& x) {
  double result = 0;
  for (const double one : x) {
    result = std::max(result, std::abs(one));
  }
  return result;
}

Vector sum(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    a[i] += b[i];
  }
  return a;
}

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// Largest first, second and third derivative of an activation.
struct Derivatives {
  double first, second, third;
};

Derivatives derivatives(Kind kind) {
  if (kind == Kind::kSigmoid) {
    return {0.25, 1 / (6 * std::sqrt(3.0)), 0.125};
  }
  return {1, 4 / (3 * std::sqrt(3.0)), 2};
}

}  // namespace

Vector multiply(const Matrix& A, const Vector& x) {
  Vector y(A.rows, 0.0);
  for (std::size_t i = 0; i < A.rows; ++i) {
    for (std::size_t j = 0; j < A.columns; ++j) {
      y[i] += A.entries[i * A.columns + j] * x[j];
    }
  }
  return y;
}

Vector multiply_transposed(const Matrix& A, const Vector& x) {
  Vector y(A.columns, 0.0);
  for (std::size_t i = 0; i < A.rows; ++i) {
    for (std::size_t j = 0; j < A.columns; ++j) {
      y[j] += A.entries[i * A.columns + j] * x[i];
    }
  }
  return y;
}

double norm(const Vector& x) {
  double squares = 0;
  for (const double one : x) {
    squares += one * one;
  }
  return std::sqrt(squares);
}

Matrix scaled_orthonormal(std::size_t rows, std::size_t columns, double scale, std::mt19937_64& random) {
  const std::size_t length = std::max(rows, columns);
  const std::size_t count = std::min(rows, columns);
  std::normal_distribution<double> normal;
  std::vector<Vector> basis;
  while (basis.size() < count) {
    Vector candidate(length);
    for (double& one : candidate) {
      one = normal(random);
    }
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough
      for (const Vector& other : basis) {
        double overlap = 0;
        for (std::size_t i = 0; i < length; ++i) {
          overlap += other[i] * candidate[i];
        }
        for (std::size_t i = 0; i < length; ++i) {
          candidate[i] -= overlap * other[i];
        }
      }
    }
    const double size = norm(candidate);
    for (double& one : candidate) {
      one /= size;
    }
    basis.push_back(candidate);
  }
  Matrix Q{rows, columns, Vector(rows * columns)};
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      Q.entries[i * columns + j] = scale * (rows <= columns ? basis[i][j] : basis[j][i]);
    }
  }
  return Q;
}

Vector Operator::value(const Vector& x) const {
  Vector z = multiply(Q, x);
  if (kind == Kind::kLinear) {
    return z;
  }
  for (std::size_t i = 0; i < z.size(); ++i) {
    switch (kind) {
      case Kind::kAffine:
        z[i] += k * w[i];
        break;
      case Kind::kQuadratic:
        z[i] = a / 2 * z[i] * z[i] + b * z[i] + w[i];
        break;
      case Kind::kGated:
        z[i] = w[i] * z[i] + a / 2 * z[i] * z[i];
        break;
      case Kind::kSigmoid:
        z[i] = sigmoid(z[i] + w[i]);
        break;
      default:
        z[i] = std::tanh(z[i] + w[i]);
    }
  }
  return z;
}

Vector Operator::pull_back(const Vector& x, const Vector& v) const {
  const Vector z = multiply(Q, x);
  Vector g = v;
  for (std::size_t i = 0; i < g.size(); ++i) {
    switch (kind) {
      case Kind::kAffine:
      case Kind::kLinear:
        break;
      case Kind::kQuadratic:
        g[i] *= a * z[i] + b;
        break;
      case Kind::kGated:
        g[i] *= w[i] + a * z[i];
        break;
      case Kind::kSigmoid:
        g[i] *= sigmoid(z[i] + w[i]) * (1 - sigmoid(z[i] + w[i]));
        break;
      case Kind::kTanh:
        g[i] *= 1 - std::tanh(z[i] + w[i]) * std::tanh(z[i] + w[i]);
        break;
    }
  }
  return multiply_transposed(Q, g);
}

Vector Operator::weight_gradient(const Vector& x, const Vector& v) const {
  if (kind == Kind::kLinear) {
    Vector u;
    for (const double row : v) {
      for (const double column : x) {
        u.push_back(row * column);
      }
    }
    return u;
  }
  const Vector z = multiply(Q, x);
  Vector u = v;
  for (std::size_t i = 0; i < u.size(); ++i) {
    switch (kind) {
      case Kind::kAffine:
        u[i] *= k;
        break;
      case Kind::kGated:
        u[i] *= z[i];
        break;
      case Kind::kSigmoid:
        u[i] *= sigmoid(z[i] + w[i]) * (1 - sigmoid(z[i] + w[i]));
        break;
      case Kind::kTanh:
        u[i] *= 1 - std::tanh(z[i] + w[i]) * std::tanh(z[i] + w[i]);
        break;
      default:
        break;
    }
  }
  return u;
}

theory::OperatorConstants Operator::constants(double radius) const {
  const double s = std::abs(scale);
  const double z = s * radius;  // bounds |z_i|
  theory::OperatorConstants result;
  switch (kind) {
    case Kind::kAffine:
      result = {.c = s, .k = std::abs(k), .ell = s, .nu = 0, .D = 0, .E = 0};
      break;
    case Kind::kLinear:
      result = {.c = s, .k = radius, .ell = s, .nu = 0, .D = 1, .E = 0};
      break;
    case Kind::kQuadratic:
      result.c = (std::abs(a) * z + std::abs(b)) * s;
      result.k = 1;
      result.D = std::abs(a) * s * s;
      break;
    case Kind::kGated:
      result.c = (largest(w) + std::abs(a) * z) * s;
      result.k = z;
      result.D = std::max(std::abs(a) * s * s, s);
      break;
    case Kind::kSigmoid:
    case Kind::kTanh: {
      const Derivatives phi = derivatives(kind);
      result.c = phi.first * s;
      result.k = phi.first;
      result.D = phi.second * std::max(s * s, s);
      result.E = phi.third * std::max(s * s * s, s * s);
      break;
    }
  }
  result.ell = result.c;
  return result;
}

double Operator::output_radius(double radius) const {
  const double z = std::abs(scale) * radius;
  switch (kind) {
    case Kind::kAffine:
      return z + std::abs(k) * norm(w);
    case Kind::kLinear:
      return z;
    case Kind::kQuadratic:
      return std::abs(a) / 2 * z * z + std::abs(b) * z + norm(w);
    case Kind::kGated:
      return largest(w) * z + std::abs(a) / 2 * z * z;
    case Kind::kSigmoid:
      return std::sqrt(static_cast<double>(w.size())) * sigmoid(z + largest(w));
    case Kind::kTanh:
      return std::min(z + norm(w), std::sqrt(static_cast<double>(w.size())));
  }
  return 0;
}

Pass perturbed_pass(const Chain& chain, const Perturbation& perturbation) {
  const std::size_t N = chain.operators.size();
  Pass pass;
  pass.y.push_back(chain.input);
  for (std::size_t i = 0; i < N; ++i) {  // (5a)
    Vector y = chain.operators[i].value(pass.y[i]);
    if (i < perturbation.delta.size() && !perturbation.delta[i].empty()) {
      y = sum(std::move(y), perturbation.delta[i]);
    }
    pass.y.push_back(std::move(y));
  }
  pass.v.resize(N + 1);
  pass.u.resize(N);
  pass.v[N] = {1.0};
  for (std::size_t i = N; i >= 1; --i) {
    pass.u[i - 1] = chain.operators[i - 1].weight_gradient(pass.y[i - 1], pass.v[i]);  // (5c)
    if (i == 1) {
      break;
    }
    pass.v[i - 1] = chain.operators[i - 1].pull_back(pass.y[i - 1], pass.v[i]);  // (5b)
    if (i - 2 < perturbation.eps.size() && !perturbation.eps[i - 2].empty()) {
      pass.v[i - 1] = sum(std::move(pass.v[i - 1]), perturbation.eps[i - 2]);
    }
  }
  return pass;
}

Pass clean_pass(const Chain& chain) { return perturbed_pass(chain, {}); }

std::vector<theory::OperatorConstants> chain_constants(const Chain& chain, const Vector& largest_delta) {
  const Pass clean = clean_pass(chain);
  std::vector<theory::OperatorConstants> constants;
  double radius = norm(chain.input);
  for (std::size_t i = 0; i < chain.operators.size(); ++i) {
    constants.push_back(chain.operators[i].constants(radius));
    constants.back().nu = norm(clean.v[i + 1]);
    radius = chain.operators[i].output_radius(radius) + (i < largest_delta.size() ? largest_delta[i] : 0);
  }
  return constants;
}

Chain random_chain(int N, std::size_t max_dimension, std::mt19937_64& random) {
  std::uniform_int_distribution<std::size_t> dimension(1, max_dimension);
  std::uniform_int_distribution<int> kind(0, 5);
  std::uniform_real_distribution<double> log_scale(std::log(0.3), std::log(1.6));
  std::normal_distribution<double> normal;
  const auto random_vector = [&](std::size_t size, double scale) {
    Vector x(size);
    for (double& one : x) {
      one = scale * normal(random);
    }
    return x;
  };
  Chain chain;
  std::size_t columns = dimension(random);
  chain.input = random_vector(columns, 0.7);
  for (int i = 1; i <= N; ++i) {
    const std::size_t rows = i == N ? 1 : dimension(random);
    Operator one;
    one.kind = static_cast<Kind>(kind(random));
    one.scale = std::exp(log_scale(random));
    one.Q = scaled_orthonormal(rows, columns, one.scale, random);
    one.w = random_vector(rows, 0.5);
    one.a = normal(random);
    one.b = normal(random);
    one.k = std::exp(log_scale(random));
    chain.operators.push_back(std::move(one));
    columns = rows;
  }
  return chain;
}

}  // namespace gradquake::verification

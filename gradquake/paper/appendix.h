// The appendix in closed form and by recursion: A.1 (zero-mean noise, biased derivative), A.2 (a constant forward
// perturbation under gradient descent) and A.3 (a Top-1 compressor, and what its step size has to do with it: W20).
#pragma once

#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::paper {

// A.1: E[sigma'(+-a)] = sigma'(a), against sigma'(0) = 1/4.
GRADQUAKE_EXPORT double sigmoid_derivative(double y);

// A.2, (55): x_{t+1} = (1 - 2 gamma) x_t - 2 gamma delta. Returns x_steps.
GRADQUAKE_EXPORT double perturbed_descent(double x, double delta, double gamma, int steps);

// A.3, (56) with w_2 = 0: y = A w, v = y or Top-1(y), u = A^T v, w_{t+1} = w_t - gamma u + beta (w_t - w_{t-1}).
// Top-1 keeps the entry of the largest absolute value, the first of equals.
struct CompressorExample {
  double a, b, c, d;  // A
  double gamma, beta;
  bool top1;
  double start[2];
};

// ||w_t||, t = 0 .. steps; ends early beyond 1e100.
GRADQUAKE_EXPORT std::vector<double> compressed_descent(const CompressorExample& example, int steps);

enum class Ending { kConverges, kDiverges, kNeither };

// Converges: the last norm is below 1e-9 of the first; diverges: above 1e9 times the first, or NaN.
GRADQUAKE_EXPORT Ending ending_of(const std::vector<double>& norms);

}  // namespace gradquake::paper

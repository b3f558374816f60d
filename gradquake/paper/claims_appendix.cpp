// Claim (i): A.1, A.2 and A.3, exact recursions without seeds.
#include <fmt/format.h>

#include <cmath>

#include "gradquake/paper/appendix.h"
#include "gradquake/paper/claims_parts.h"

namespace gradquake::paper {
namespace {

Estimate exact(double value) { return {value, value, value, 0}; }

std::vector<ClaimRow> example1_rows() {
  std::vector<ClaimRow> rows;
  for (const double a : {0.1, 0.5, 1.0, 2.0, 4.0}) {
    const double gap = (sigmoid_derivative(a) + sigmoid_derivative(-a)) / 2 - sigmoid_derivative(0);
    rows.push_back({"A.1: E[sigma'(+-a)] - sigma'(0)", fmt::format("a {}", a), exact(gap), std::nullopt, gap < 0});
  }
  return rows;
}

// The paper states gamma < 1/2; the recursion contracts for all 0 < gamma < 1.
std::vector<ClaimRow> descent_rows() {
  std::vector<ClaimRow> rows;
  for (const double gamma : {0.1, 0.3, 0.49, 0.5, 0.7, 0.99, 1.0, 1.1}) {
    const double x = perturbed_descent(3, 0.25, gamma, 2000);
    const bool converges = std::fabs(x + 0.25) < 1e-9;
    rows.push_back(
        {"A.2: lim x_t, delta = 0.25", fmt::format("gamma {}", gamma), exact(x), -0.25, converges == (gamma < 1)});
  }
  return rows;
}

// Figure 9's two settings at the paper's step sizes and at smaller ones; the end of 20,000 steps as
// ln(||w_T||/||w_0||).
std::vector<ClaimRow> compressor_rows(bool* only_large_steps) {
  struct Setting {
    double a, b, c, d, beta;
    std::vector<double> gammas;  // the paper's first
  };
  const std::vector<Setting> settings = {{-15, 13, -5, 9, 0, {0.1, 0.004, 0.003, 0.002, 0.001}},
                                         {-5, -4, -5, 3, 0.9, {0.05, 0.02, 0.01, 0.005, 0.002, 0.001}}};
  std::vector<ClaimRow> rows;
  *only_large_steps = true;
  for (const Setting& s : settings) {
    for (const double gamma : s.gammas) {
      const auto norms = compressed_descent({s.a, s.b, s.c, s.d, gamma, s.beta, true, {1, 1}}, 20000);
      const Ending ending = ending_of(norms);
      const bool papers = gamma == s.gammas.front();
      // The paper: Top-1 fails to converge.
      const bool fails = ending != Ending::kConverges;
      if (fails != papers) *only_large_steps = false;
      rows.push_back({"A.3: ln(||w_T|| / ||w_0||) with Top-1", fmt::format("gamma {}, beta {}", gamma, s.beta),
                      exact(std::log(norms.back() / norms.front())), std::nullopt, fails});
    }
  }
  const Setting& s = settings.front();
  const auto exactly = compressed_descent({s.a, s.b, s.c, s.d, 0.1, 0, false, {1, 1}}, 200);
  const auto nearly = compressed_descent({s.a, s.b, s.c, s.d, 0.1, 0, false, {1, 1.000001}}, 200);
  rows.push_back({"A.3: ||w_T|| without compression", "gamma 0.1, beta 0, from (1, 1)", exact(exactly.back()), 0.0,
                  ending_of(exactly) == Ending::kConverges});
  rows.push_back({"A.3: ln ||w_T|| without compression", "gamma 0.1, beta 0, from (1, 1.000001)",
                  exact(std::log(nearly.back())), std::nullopt, ending_of(nearly) == Ending::kConverges});
  return rows;
}

}  // namespace

std::vector<Claim> appendix_claims() {
  Claim i{"i", "A.1, A.2 and A.3: persistent errors bias the derivative, move the limit, and keep SGD from converging",
          "", "", example1_rows()};
  const auto append = [&](std::vector<ClaimRow> rows) { i.rows.insert(i.rows.end(), rows.begin(), rows.end()); };
  append(descent_rows());
  bool only_large_steps = false;
  append(compressor_rows(&only_large_steps));
  i.verdict = only_large_steps ? "holds only if A.3 keeps its step sizes; A.1 and A.2 hold" : verdict_of(i.rows);
  i.reason =
      "A.1 holds for every a; A.2 for every 0 < gamma < 1, not only below 1/2; A.3 fails to converge at the paper's "
      "gamma and converges with Top-1 at smaller ones (W20): a statement on the step size, not on Top-1";
  return {i};
}

}  // namespace gradquake::paper

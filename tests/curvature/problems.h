// Problems with known curvature, shared by the tests.
#pragma once

#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <tuple>
#include <vector>

#include "gradquake/curvature/hessian_operator.h"

namespace gradquake::curvature {

inline const auto kFloat64 = torch::TensorOptions().dtype(torch::kDouble);

// l(w) = w' A w / 2 with A = Q diag(spectrum) Q' for a random orthogonal Q; w is split into a matrix and a vector.
struct Quadratic {
  explicit Quadratic(const std::vector<double>& spectrum) {
    torch::manual_seed(11);
    const auto n = static_cast<std::int64_t>(spectrum.size());
    const auto q = std::get<0>(torch::linalg_qr(torch::randn({n, n}, kFloat64)));
    A = q.matmul(torch::diag(torch::tensor(spectrum, kFloat64))).matmul(q.t());
    w = {torch::randn({2, n / 4}, kFloat64).requires_grad_(),
         torch::randn({n - 2 * (n / 4)}, kFloat64).requires_grad_()};
  }
  torch::Tensor flat(const std::vector<torch::Tensor>& parts) const {
    return torch::cat({parts[0].reshape(-1), parts[1].reshape(-1)});
  }
  std::vector<torch::Tensor> parts(const torch::Tensor& vector) const {
    const auto first = w[0].numel();
    return {vector.narrow(0, 0, first).view_as(w[0]), vector.narrow(0, first, vector.numel() - first)};
  }
  HessianOperator hessian() const {
    return {[this] { return 0.5 * flat(w).dot(A.mv(flat(w))); }, w};
  }

  torch::Tensor A;
  std::vector<torch::Tensor> w;
};

// A tanh network with cross-entropy on fixed data.
struct TanhNet {
  explicit TanhNet(torch::ScalarType dtype = torch::kDouble) {
    torch::manual_seed(5);
    net = torch::nn::Sequential(torch::nn::Linear(5, 7), torch::nn::Tanh(), torch::nn::Linear(7, 6), torch::nn::Tanh(),
                                torch::nn::Linear(6, 3));
    net->to(dtype);
    x = torch::randn({20, 5}).to(dtype);
    y = torch::randint(3, {20}, torch::kLong);
  }
  torch::Tensor loss() { return torch::nn::functional::cross_entropy(net->forward(x), y); }
  std::vector<torch::Tensor> random_direction() {
    std::vector<torch::Tensor> v;
    for (const auto& p : net->parameters()) v.push_back(torch::randn_like(p).detach());
    return v;
  }

  torch::nn::Sequential net{nullptr};
  torch::Tensor x, y;
};

}  // namespace gradquake::curvature

#include "gradquake/hooks/sites/self_test.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/sites/operator_mode.h"
#include "gradquake/hooks/tap.h"

namespace gradquake {
namespace {

constexpr std::int64_t kRows = 4;
constexpr std::uint64_t kSeed = 20646;
constexpr double kScale = 0.5;
constexpr double kTolerance = 1e-12;
constexpr char kLabel[] = "self_test";

struct Layer {
  std::string name;
  at::Tensor weight, bias;
};
using Layers = std::array<Layer, 3>;

at::Tensor draws(at::IntArrayRef shape, const std::string& site, Direction direction, double scale) {
  const at::Tensor noise = at::zeros(shape, at::kDouble);
  auto* const data = noise.mutable_data_ptr<double>();
  const Stream stream = make_stream(stream_key(kSeed, 0, site, direction, kLabel), 0);
  add_noise(Variate::kGaussian, data, data, static_cast<std::size_t>(noise.numel()), 0, scale, stream, 0);
  return noise;
}

at::Tensor values(at::IntArrayRef shape, const std::string& name) {
  return draws(shape, name, Direction::kForward, kScale);
}

Layers make_layers() {
  Layers layers;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::int64_t in = 3 + static_cast<std::int64_t>(i);
    const std::string name = "layers." + std::to_string(i);
    layers[i] = {name, values({in + 1, in}, name + ".weight").requires_grad_(),
                 values({in + 1}, name + ".bias").requires_grad_()};
  }
  return layers;
}

std::vector<at::Tensor> parameters_of(const Layers& layers) {
  std::vector<at::Tensor> parameters;
  for (const Layer& layer : layers) parameters.insert(parameters.end(), {layer.weight, layer.bias});
  return parameters;
}

using Linear = std::function<at::Tensor(const Layer&, const at::Tensor&)>;

at::Tensor run(const Layers& layers, const Linear& linear, at::Tensor x) {
  x = linear(layers[0], x);
  for (std::size_t i = 1; i < layers.size(); ++i) x = linear(layers[i], x.tanh());
  return x;
}

std::vector<at::Tensor> recursion(const Layers& layers, const at::Tensor& input) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> inputs;
  at::Tensor z;
  for (const Layer& layer : layers) {
    inputs.push_back(inputs.empty() ? input : z.tanh());
    z = at::matmul(inputs.back(), layer.weight.t()) + layer.bias;
    z = z + draws(z.sizes(), layer.name, Direction::kForward, kScale);
  }
  std::vector<at::Tensor> gradients(2 * layers.size());
  at::Tensor u = z;
  for (std::size_t i = layers.size(); i-- > 0;) {
    u = u + draws(u.sizes(), layers[i].name, Direction::kBackward, kScale);
    gradients[2 * i] = at::matmul(u.t(), inputs[i]) / kRows;
    gradients[2 * i + 1] = u.sum(0) / kRows;
    u = at::matmul(u, layers[i].weight) * (1 - inputs[i] * inputs[i]);
  }
  return gradients;
}

void compare(const char* way, const Layers& layers, const std::vector<at::Tensor>& expected,
             const std::function<at::Tensor()>& forward) {
  Rule rule{.label = kLabel, .sites = "layers.*", .direction = Direction::kBoth};
  rule.perturbation = {"gaussian", {{"scale", kScale}}};
  Plan plan({rule}, {.seed = kSeed});
  const at::AutoGradMode with_grad(true);
  PlanScope scope(plan, {.rows = kRows, .loss_divisor = kRows});
  const at::Tensor loss = forward().square().sum() / (2 * kRows);
  const auto gradients = torch::autograd::grad({loss}, parameters_of(layers));
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double error = ((gradients[i] - expected[i]).norm() / expected[i].norm()).item<double>();
    if (error <= kTolerance) continue;
    throw std::runtime_error("[hooks] expected the perturbed gradients of " + std::string(way) +
                             " to be those of the recursion, got ones that are off by " + c10::str(error) +
                             " of their norm: this build does not work with LibTorch " TORCH_VERSION);
  }
}

at::Tensor addmm(const Layer& layer, const at::Tensor& x) { return at::addmm(layer.bias, x, layer.weight.t()); }

at::Tensor matmul_and_add(const Layer& layer, const at::Tensor& x) {
  at::Tensor y = at::matmul(x, layer.weight.t());
  y += layer.bias;
  return y;
}

}  // namespace

void self_test() {
  const PlanPause nothing_else;
  const Layers layers = make_layers();
  const at::Tensor input = values({kRows, 3}, "input");
  const std::vector<at::Tensor> expected = recursion(layers, input);
  std::vector<std::pair<std::string, at::Tensor>> named;
  for (const Layer& layer : layers)
    named.insert(named.end(), {{layer.name + ".weight", layer.weight}, {layer.name + ".bias", layer.bias}});
  const OperatorSites sites(named);
  const auto in_mode = [&](const Linear& linear, const at::Tensor& x) {
    const OperatorModeScope scope(sites);
    return run(layers, linear, x);
  };

  compare("taps by hand", layers, expected, [&] {
    return run(
        layers, [](const Layer& layer, const at::Tensor& x) { return tap(layer.name, addmm(layer, x)); }, input);
  });
  compare("operator sites", layers, expected, [&] { return in_mode(addmm, input); });
  compare("operator sites of three dimensions", layers, expected, [&] {
    return in_mode(matmul_and_add, input.view({kRows, 1, 3}));
  });
}

}  // namespace gradquake

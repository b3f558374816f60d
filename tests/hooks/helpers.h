// What the tests of taps share: rules in one line, and draws by address through the public kernels.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::test {

inline Rule make_rule(std::string label, std::string sites, Direction direction, double scale = 0.5,
                      std::string kind = "gaussian") {
  Rule rule;
  rule.label = std::move(label);
  rule.sites = std::move(sites);
  rule.direction = direction;
  rule.perturbation = {std::move(kind), {{"scale", scale}}};
  return rule;
}

// A rule of a kind without parameters.
inline Rule plain_rule(std::string kind) {
  Rule rule;
  rule.label = "r";
  rule.perturbation = std::move(kind);
  return rule;
}

inline Rule forward_rule(std::string sites, double scale = 0.5) {
  return make_rule("forward", std::move(sites), Direction::kForward, scale);
}

inline Rule backward_rule(std::string sites, double scale = 0.5) {
  return make_rule("backward", std::move(sites), Direction::kBackward, scale);
}

inline Rule at_step(Rule rule, std::int64_t step) {
  rule.schedule = {"once", {{"step", step}}};
  return rule;
}

// float64 draws of `shape` for a rule of scale and mean, elements from `first`.
inline torch::Tensor draws(torch::IntArrayRef shape, Variate variate, double mean, double scale, std::uint64_t seed,
                           const std::string& site, Direction direction, const std::string& label, std::int64_t step,
                           std::uint32_t occurrence = 0, std::uint64_t first = 0) {
  const torch::Tensor noise = torch::zeros(shape, torch::kFloat64);
  auto* const data = noise.mutable_data_ptr<double>();
  const Stream stream = make_stream(stream_key(seed, 0, site, direction, label), step, occurrence);
  add_noise(variate, data, data, static_cast<std::size_t>(noise.numel()), mean, scale, stream, first);
  return noise;
}

inline torch::Tensor random(torch::IntArrayRef shape, std::uint64_t seed, torch::ScalarType dtype = torch::kFloat64) {
  return draws(shape, Variate::kGaussian, 0, 1, seed, "input", Direction::kForward, "values", 0).to(dtype);
}

// The forward perturbation that a plan of this one rule puts on `tensor` at a step.
inline torch::Tensor perturbed(const Rule& rule, const torch::Tensor& tensor, StepContext context = {},
                               std::int64_t batch_dim = 0) {
  Plan plan({rule}, {.seed = 7, .run_steps = 100});
  PlanScope scope(plan, std::move(context));
  return tap("site", tensor, batch_dim);
}

// A forward rule of scale 0.5 that draws so.
inline Rule drawn(DrawMode draw, const std::string& kind = "gaussian", double mean = 0) {
  Rule rule = make_rule("r", "*", Direction::kForward, 0.5, kind);
  rule.perturbation.set("draw", to_text(draw)).set("mean", mean);
  return rule;
}

// What a call is refused with; "" where it is not.
inline std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

inline void expect_mentions(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
  }
}

}  // namespace gradquake::test

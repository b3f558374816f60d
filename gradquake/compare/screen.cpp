#include "gradquake/compare/screen.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/hooks/nearest.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/glob.h"
#include "gradquake/measure/macs.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/train/norms.h"

namespace gradquake::compare {
namespace {

double squared_sum(const at::Tensor& tensor) { return tensor.defined() ? train::squared_norm(tensor.detach()) : 0; }
double mean_square(const at::Tensor& tensor) { return squared_sum(tensor) / static_cast<double>(tensor.numel()); }

// A zero that was added somewhere, and what relative noise there is relative to.
struct Zero {
  std::size_t site;
  at::Tensor zero;
  double mean_square = 0;
};

// Adds zeros to the tensor and to the gradient at every site that the glob asks for.
class Zeros {
 public:
  explicit Zeros(const std::string& glob)
      : glob_(glob),
        scope_({.on_forward = [this](const TapPoint& at, const at::Tensor& y) { return forward(at, y); },
                .on_backward = [this](const TapPoint& at, const at::Tensor& v) { return backward(at, v); },
                .beneath = asks_for_inputs_or_saved(glob)}) {}

  std::vector<Zero> in_tensors, in_gradients;
  std::vector<std::string> sites;  // in order of first tap
  std::vector<std::int64_t> elements;
  bool seen_once = false;  // the double backward pass comes by again

 private:
  at::Tensor forward(const TapPoint& at, const at::Tensor& y) {
    // A kept tensor is no part of the graph that the double backward pass goes through.
    if (!glob_.matches(at.site.name()) || is_saved_name(at.site.name()) || !at::isFloatingType(y.scalar_type()))
      return {};
    const auto [known, is_new] = numbers_.try_emplace(at.site.name(), sites.size());
    if (is_new) {
      sites.push_back(at.site.name());
      elements.push_back(0);
    }
    elements[known->second] += y.numel();
    const at::Tensor zero = at::zeros_like(y).requires_grad_();
    in_tensors.push_back({known->second, zero, mean_square(y)});
    return y + zero;
  }

  at::Tensor backward(const TapPoint& at, const at::Tensor& v) {
    const auto known = numbers_.find(at.site.name());
    if (seen_once || known == numbers_.end()) return {};
    const at::Tensor zero = at::zeros_like(v).requires_grad_();
    in_gradients.push_back({known->second, zero, mean_square(v)});
    return v + zero;
  }

  Glob glob_;
  std::map<std::string, std::size_t> numbers_;
  ObserverScope scope_;
};

// +1 or -1 for every number of the parameters: parameter i of vector k.
at::Tensor signs_like(const at::Tensor& parameter, std::uint64_t seed, std::int64_t k, std::size_t i) {
  const at::Tensor signs = at::zeros(parameter.sizes(), at::kFloat);
  auto* const data = signs.mutable_data_ptr<float>();
  const Stream stream =
      make_stream(stream_key(seed, 0, "screen", Direction::kForward, ""), k, static_cast<std::uint32_t>(i));
  add_noise(Variate::kRademacher, data, data, static_cast<std::size_t>(signs.numel()), 0.0F, 1.0F, stream, 0);
  return signs.to(parameter.device(), parameter.scalar_type());
}

// What the vectors have measured so far.
struct Sums {
  std::string obstacle;  // why nothing can be measured; empty: it can
  std::vector<std::string> sites;
  std::vector<std::int64_t> elements;
  std::vector<double> gradient;                               // ||u||^2 by vector
  std::vector<std::vector<double>> in_tensors, in_gradients;  // rms^2 ||J^T v||^2, rms^2 ||B^T v||^2 by site and vector
};

void one_vector(const train::Task& task, const CompareConfig& config, data::BatchSampler& sampler, std::int64_t k,
                Sums& sums) {
  const std::uint64_t seed = named_seed(task.seed, "compare.screen");
  const std::vector<at::Tensor> parameters = model::trained_parameters(*task.model).tensors;
  const std::int64_t number = k % config.screen.batches;
  const data::Batch batch = task.data.train->get(sampler.indices(number)).to(task.device);
  const curvature::StateGuard guard(*task.model, named_seed(seed, std::to_string(number)));
  Zeros zeros(config.sites);
  const at::Tensor loss = task.objective->loss(task.forward(batch), batch);
  if (zeros.sites.empty()) return;
  const auto u = torch::autograd::grad({loss}, parameters, {}, std::nullopt, /*create_graph=*/true, true);
  zeros.seen_once = true;
  double norm = 0;
  at::Tensor product;  // <u, v>
  for (std::size_t i = 0; i < u.size(); ++i) {
    norm += squared_sum(u[i]);
    if (!u[i].defined() || !u[i].requires_grad()) continue;
    const at::Tensor part = (u[i] * signs_like(parameters[i], seed, k, i)).sum();
    product = product.defined() ? product + part : part;
  }
  if (!(norm > 0) || !std::isfinite(norm))
    throw UserError("compare",
                    "expected a gradient that is finite and not 0, got one of norm " + std::to_string(std::sqrt(norm)));
  std::vector<at::Tensor> inputs;
  for (const auto* list : {&zeros.in_tensors, &zeros.in_gradients})
    for (const Zero& one : *list) inputs.push_back(one.zero);
  if (sums.sites.empty()) {
    sums.sites = zeros.sites;
    sums.elements = zeros.elements;
    sums.in_tensors.resize(zeros.sites.size());
    sums.in_gradients.resize(zeros.sites.size());
  }
  sums.gradient.push_back(norm);
  std::vector<at::Tensor> found(inputs.size());
  try {
    if (product.defined()) found = torch::autograd::grad({product}, inputs, {}, false, false, true);
  } catch (const std::exception& error) {  // LibTorch names the operator
    sums.obstacle = "no second derivative: " + detail::first_line(error);
    return;
  }
  for (auto* table : {&sums.in_tensors, &sums.in_gradients})
    for (std::vector<double>& row : *table) row.push_back(0);
  std::size_t next = 0;
  for (const Zero& one : zeros.in_tensors)
    sums.in_tensors[one.site].back() += one.mean_square * squared_sum(found[next++]);
  for (const Zero& one : zeros.in_gradients)
    sums.in_gradients[one.site].back() += one.mean_square * squared_sum(found[next++]);
}

std::vector<SiteScreen> sites_of(const Sums& sums) {
  std::vector<SiteScreen> sites;
  const auto add = [&](std::size_t i, Direction direction, const std::vector<double>& squares) {
    SiteScreen site{.site = sums.sites[i],
                    .direction = direction,
                    .elements = sums.elements[i],
                    .gain = std::nullopt,
                    .reason = sums.obstacle};
    if (!sums.obstacle.empty()) {
      sites.push_back(std::move(site));
      return;
    }
    const Interval gain = power_of(ratio_of_sums(squares, sums.gradient), 0.5);
    if (gain.estimate > 0)
      site.gain = gain;
    else
      site.reason = "it does not reach the gradient";
    sites.push_back(std::move(site));
  };
  for (std::size_t i = 0; i < sums.sites.size(); ++i) {
    add(i, Direction::kForward, sums.in_tensors[i]);
    add(i, Direction::kBackward, sums.in_gradients[i]);
  }
  return sites;
}

bool narrow(const std::vector<SiteScreen>& sites, double width) {
  return std::all_of(sites.begin(), sites.end(), [width](const SiteScreen& site) {
    return !site.gain || site.gain->high - site.gain->low <= 2 * width * site.gain->estimate;
  });
}

}  // namespace

std::optional<Interval> SiteScreen::largest_size(double share) const {
  if (!gain) return std::nullopt;
  return power_of(*gain, -1, share);
}

Screen screen(const train::Task& task, const CompareConfig& config,
              const std::function<void(std::int64_t vectors)>& tick) {
  data::BatchSampler sampler(task.data.train->size(), task.batch_size, named_seed(task.seed, "compare.batches"));
  Sums sums;
  Screen result;
  for (std::int64_t target = config.screen.least;; target = config.screen.after(target)) {
    for (; result.vectors < target; ++result.vectors) {
      try {
        one_vector(task, config, sampler, result.vectors, sums);
      } catch (const UserError&) {
        throw;
      } catch (const std::exception& error) {
        throw UserError("compare", task.name + " cannot be screened: " + detail::first_line(error));
      }
      if (sums.sites.empty())
        throw UserError("compare", "expected compare.sites to match one of the model's " +
                                       std::to_string(task.sites.size()) + " sites, nearest " +
                                       detail::nearest_names(config.sites, names_of(task.sites), 3) + ", got '" +
                                       config.sites + "'");
      if (!sums.obstacle.empty()) break;
      if (tick) tick(result.vectors + 1);
    }
    result.sites = sites_of(sums);
    if (!sums.obstacle.empty() || target >= config.screen.most || narrow(result.sites, config.screen.width)) break;
  }
  const data::Batch batch = task.data.train->get(sampler.indices(0)).to(task.device);
  const measure::Macs macs = measure::count_macs(task, batch, asks_for_inputs_or_saved(config.sites));
  for (SiteScreen& site : result.sites) site.macs = macs.of(site.site);
  double squares = 0;
  for (const double one : sums.gradient) squares += one;
  result.gradient_norm = std::sqrt(squares / static_cast<double>(sums.gradient.size()));
  return result;
}

}  // namespace gradquake::compare

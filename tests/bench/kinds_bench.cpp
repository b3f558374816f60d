// Every kind of the catalogue on a tensor [256, 1024], against what one writes with torch; out of place, allocation
// included, one thread.
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gradquake/hooks/memory.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "measure.h"
#include "rows.h"

namespace gradquake::bench {
namespace {

constexpr std::int64_t kSamples = 256, kFeatures = 1024;
constexpr int kCalls = 4;  // a turn

using ByTorch = std::function<at::Tensor(const at::Tensor&)>;

at::Tensor cast(const at::Tensor& y, at::ScalarType dtype) { return y.to(dtype).to(at::kFloat); }

at::Tensor fake_quantised(const at::Tensor& y) {
  const double step = y.abs().max().item<double>() / 127;
  return at::fake_quantize_per_tensor_affine(y, step, 0, -127, 127);
}

at::Tensor kept(const at::Tensor& y, const at::Tensor& scores) {
  const at::Tensor chosen = std::get<1>(scores.topk(kFeatures / 10, 1, true, false));
  return at::zeros_like(y).scatter_(1, chosen, y.gather(1, chosen));
}

void kind_row(benchmark::State& state, const KindSpec& spec, const ByTorch& by_torch) {
  const std::unique_ptr<Perturbation> kind = make_perturbation(spec);
  const at::Tensor y = at::randn({kSamples, kFeatures});
  PerturbationContext context;
  context.stream.key = 0x299f31d0a4093822;
  context.rows = kSamples;
  context.element_order = {0, 1};
  context.reference_rms = 1;
  Rule rule;
  rule.perturbation = spec;
  Plan plan({rule}, {});
  std::vector<std::int64_t> samples(kSamples);
  std::iota(samples.begin(), samples.end(), 0);
  const auto ours = [&] {
    for (int i = 0; i < kCalls; ++i) {
      ++context.stream.step;
      if (plan.memory().needed()) context.memory = {plan.memory(), {.site = "site"}, context.stream.step, &samples};
      benchmark::DoNotOptimize(kind->apply(y, context));
    }
  };
  compare(
      state,
      [&] {
        for (int i = 0; i < kCalls; ++i) benchmark::DoNotOptimize(by_torch(y));
      },
      ours);
  const double element_ns = 1e6 / (static_cast<double>(y.numel()) * kCalls);
  state.counters["element_ns"] = element_ns * state.counters["variant_ms"];
  state.counters["torch_element_ns"] = element_ns * state.counters["reference_ms"];
  state.counters["times_faster"] = 1 / state.counters["ratio_median"];
}

}  // namespace

void register_kind_rows() {
  const auto copy = [](const at::Tensor& y) { return y.clone(); };
  const auto round = [](const char* format, const char* rounding = "nearest_even") {
    return KindSpec{"round", {{"format", format}, {"rounding", rounding}}};
  };
  const at::Tensor remembered = at::zeros({kSamples, kFeatures}), samples = at::arange(kSamples);
  struct Row {
    std::string name;
    KindSpec spec;
    ByTorch by_torch;
  };
  const Row rows[] = {
      {"round_bf16", round("bf16"), [](const at::Tensor& y) { return cast(y, at::kBFloat16); }},
      {"round_e4m3fn", round("e4m3fn"), [](const at::Tensor& y) { return cast(y, at::kFloat8_e4m3fn); }},
      {"round_e5m2", round("e5m2"), [](const at::Tensor& y) { return cast(y, at::kFloat8_e5m2); }},
      {"round_e4m3fn_stochastic", round("e4m3fn", "stochastic"),
       [](const at::Tensor& y) { return cast(y + 0.03 * at::rand_like(y), at::kFloat8_e4m3fn); }},
      {"round_int8", round("int8"), fake_quantised},
      {"round_mxfp8", round("mxfp8"), copy},
      {"round_mxfp4", round("mxfp4"), copy},
      {"round_mxint8", round("mxint8"), copy},
      {"round_nvfp4", round("nvfp4"), copy},
      {"multiplicative",
       {"multiplicative", {{"scale", 0.1}}},
       [](const at::Tensor& y) { return y * (1 + 0.1 * at::randn_like(y)); }},
      {"laplace",
       {"laplace", {{"scale", 0.1}}},
       [](const at::Tensor& y) {
         return y + 0.1 * (at::empty_like(y).exponential_() - at::empty_like(y).exponential_());
       }},
      {"top_k", {"top_k", {{"share", 0.1}}}, [](const at::Tensor& y) { return kept(y, y.abs()); }},
      {"random_k", {"random_k", {{"share", 0.1}}}, [](const at::Tensor& y) { return kept(y, at::rand_like(y)); }},
      {"threshold", {"threshold", {{"below", 0.5}}}, [](const at::Tensor& y) { return at::hardshrink(y, 0.5); }},
      {"low_rank",
       {"low_rank", {{"rank", 8}}},
       [](const at::Tensor& y) {
         const auto [u, s, vh] = at::linalg_svd(y, false);
         return (u.slice(1, 0, 8) * s.slice(0, 0, 8)).matmul(vh.slice(0, 0, 8));
       }},
      {"bit_flip_1e-6", {"bit_flip", {{"rate", 1e-6}}}, copy},
      {"bit_flip_1e-2", {"bit_flip", {{"rate", 1e-2}}}, copy},
      {"stuck_at",
       {"stuck_at", {{"share", 0.1}}},
       [](const at::Tensor& y) { return at::where(at::rand(kFeatures).ge(0.1), y, 0.0); }},
      {"zero",
       {"zero", {{"share", 0.1}}},
       [](const at::Tensor& y) { return at::where(at::rand_like(y).ge(0.1), y, 0.0); }},
      {"scale", {"scale", {{"factor", 1.1}}}, [](const at::Tensor& y) { return y * 1.1; }},
      {"swap",
       {"swap", {{"share", 0.1}}},
       [](const at::Tensor& y) { return y.index_select(0, at::randperm(kSamples)); }},
      {"stale", "stale",
       [=](const at::Tensor& y) {
         const at::Tensor last = remembered.index_select(0, samples);
         remembered.index_copy_(0, samples, y);
         return last;
       }},
      {"delta_int8",
       {"delta", {{"of", round("int8")}}},
       [=](const at::Tensor& y) {
         const at::Tensor last = remembered.index_select(0, samples), value = last + fake_quantised(y - last);
         remembered.index_copy_(0, samples, value);
         return value;
       }},
      {"error_feedback_top_k", "error_feedback",
       [=](const at::Tensor& y) {
         const at::Tensor wanted = y + remembered.index_select(0, samples), sent = kept(wanted, wanted.abs());
         remembered.index_copy_(0, samples, wanted - sent);
         return sent;
       }},
  };
  for (const Row& row : rows)
    benchmark::RegisterBenchmark(("kind/" + row.name).c_str(), kind_row, row.spec, row.by_torch);
}

}  // namespace gradquake::bench

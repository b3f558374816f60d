// The fused noise kernels against what one writes with torch, both out of place and with their allocation.
#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <utility>

#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/noise_reference.h"
#include "measure.h"
#include "rows.h"

namespace gradquake::bench {
namespace {

constexpr std::int64_t kElements = 1 << 18;
constexpr int kCalls = 16;  // a turn; one call of the fastest kernel is too short for the CPU clock
constexpr double kScale = 0.1;

at::Tensor torch_noise(Variate variate, const at::Tensor& y) {
  switch (variate) {
    case Variate::kGaussian:
      return y + kScale * at::randn_like(y);
    case Variate::kUniform:
      return y + kScale * (2 * at::rand_like(y) - 1);
    default:
      return y + kScale * (2 * at::randint_like(y, 2) - 1);
  }
}

template <class T>
at::Tensor fused_noise(Variate variate, bool measured, const at::Tensor& y, const Stream& stream) {
  const at::Tensor out = at::empty_like(y);
  const T* const from = y.const_data_ptr<T>();
  T* const to = out.mutable_data_ptr<T>();
  const auto n = static_cast<std::size_t>(y.numel());
  const auto scale = static_cast<T>(kScale);
  if (measured) {
    benchmark::DoNotOptimize(add_noise_measured(variate, from, to, n, T{0}, scale, stream, 0));
  } else {
    add_noise(variate, from, to, n, T{0}, scale, stream, 0);
  }
  return out;
}

void noise(benchmark::State& state, Variate variate, at::ScalarType type, InstructionSet set, bool measured) {
  if (!instruction_set_available(set)) {
    state.SkipWithError("this processor lacks the instruction set");
    return;
  }
  force_instruction_set(set);
  const at::Tensor y = at::randn(kElements, type);
  Stream stream{0x299f31d0a4093822, 0, 0};
  const auto fused = [&] {
    for (int i = 0; i < kCalls; ++i) {
      ++stream.step;
      benchmark::DoNotOptimize(type == at::kFloat ? fused_noise<float>(variate, measured, y, stream)
                                                  : fused_noise<double>(variate, measured, y, stream));
    }
  };
  const auto by_torch = [&] {
    for (int i = 0; i < kCalls; ++i) benchmark::DoNotOptimize(torch_noise(variate, y));
  };
  compare(state, by_torch, fused);
  force_instruction_set(std::nullopt);
  const double element_ns = 1e6 / (static_cast<double>(kElements) * kCalls);
  state.counters["element_ns"] = element_ns * state.counters["variant_ms"];
  state.counters["torch_element_ns"] = element_ns * state.counters["reference_ms"];
  state.counters["times_faster"] = 1 / state.counters["ratio_median"];
}

}  // namespace

void register_noise_rows() {
  const std::pair<const char*, Variate> variates[] = {
      {"gaussian", Variate::kGaussian}, {"uniform", Variate::kUniform}, {"rademacher", Variate::kRademacher}};
  const std::pair<const char*, at::ScalarType> types[] = {{"_f32/", at::kFloat}, {"_f64/", at::kDouble}};
  for (const auto& [name, variate] : variates) {
    for (const auto& [suffix, type] : types) {
      for (const InstructionSet set : {InstructionSet::kAvx512, InstructionSet::kAvx2}) {
        const std::string row = std::string("noise/") + name + suffix + instruction_set_name(set);
        benchmark::RegisterBenchmark(row.c_str(), noise, variate, type, set, false);
        benchmark::RegisterBenchmark((row + "/measured").c_str(), noise, variate, type, set, true);
      }
    }
  }
}

}  // namespace gradquake::bench

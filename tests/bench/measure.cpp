#include "measure.h"

#include <algorithm>
#include <ctime>

namespace gradquake::bench {
namespace {

constexpr int kWarmUps = 3;

double quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double timed(const std::function<void()>& work) {
  const double start = cpu_time_s();
  work();
  return cpu_time_s() - start;
}

}  // namespace

double cpu_time_s() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

void report_ratio(benchmark::State& state, const Pairs& pairs) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < pairs.variant.size(); ++i) ratios.push_back(pairs.variant[i] / pairs.reference[i]);
  state.counters["ratio_median"] = median(ratios);
  state.counters["ratio_q1"] = quantile(ratios, 0.25);
  state.counters["ratio_q3"] = quantile(ratios, 0.75);
  state.counters["reference_ms"] = 1e3 * median(pairs.reference);
  state.counters["variant_ms"] = 1e3 * median(pairs.variant);
  state.counters["repeats"] = static_cast<double>(ratios.size());
}

void compare(benchmark::State& state, const std::function<void()>& reference, const std::function<void()>& variant) {
  for (int i = 0; i < kWarmUps; ++i) reference(), variant();
  Pairs pairs;
  for (auto _ : state) {
    state.PauseTiming();
    pairs.reference.push_back(timed(reference));
    state.ResumeTiming();
    pairs.variant.push_back(timed(variant));
  }
  report_ratio(state, pairs);
}

}  // namespace gradquake::bench

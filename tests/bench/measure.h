// Ratios on a machine that is shared: a variant and its reference take turns in one process, each turn is timed by the
// CPU time of the process, and the median of the paired ratios is reported.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <vector>

namespace gradquake::bench {

double cpu_time_s();  // of this process

double median(std::vector<double> values);  // 0 where there are none

// CPU seconds, pair by pair.
struct Pairs {
  std::vector<double> reference, variant;
};

// Counters of a row: ratio_median = median of variant / reference, its quartiles, medians of both in ms, repeats.
void report_ratio(benchmark::State& state, const Pairs& pairs);

// Runs the benchmark's loop: the variant is what its time says, the reference runs in its pauses.
void compare(benchmark::State& state, const std::function<void()>& reference, const std::function<void()>& variant);

}  // namespace gradquake::bench

// bench_overhead: ratios to the same work without perturbations, records or shadow. One thread; see measure.h.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <climits>

#include "rows.h"

int main(int argc, char** argv) {
  // Above glibc's mmap threshold every tensor would cost page faults, more than the noise added to it, and step times
  // would come out bimodal.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 256 << 20);
  at::set_num_threads(1);

  gradquake::bench::register_tap_rows();
  gradquake::bench::register_way_rows();
  gradquake::bench::register_growth_rows();
  gradquake::bench::register_trainer_rows();
  gradquake::bench::register_probe_rows();
  gradquake::bench::register_noise_rows();
  gradquake::bench::register_kind_rows();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

// How plans grow with sites and rules, and what a perturbed step holds in memory.
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/sites/site.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/report/record_json.h"
#include "noisy_training.h"
#include "rows.h"
#include "training.h"

namespace gradquake::bench {
namespace {

constexpr std::int64_t kRunSteps = 10'000, kRows = 8;

// A chain of operators with a site behind each, on a tensor so small that the taps are what takes time.
class Chain {
 public:
  explicit Chain(std::int64_t sites) {
    for (std::int64_t i = 0; i < sites; ++i) names_.push_back("layers." + std::to_string(i));
    for (const std::string& name : names_) sites_.emplace_back(name);
  }

  void step() const {
    at::Tensor x = input_;
    for (const Site& site : sites_) x = tap(site, x.mul(1.0));
    x.sum().backward();
    input_.mutable_grad().reset();
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::vector<Site> sites_;
  at::Tensor input_ = at::ones({kRows, 8}).requires_grad_();
};

// `rules` rules share the sites out among them; all fire at every step, in both directions.
std::vector<Rule> rules_for(const std::vector<std::string>& sites, std::int64_t rules) {
  std::vector<Rule> all;
  for (std::int64_t r = 0; r < rules; ++r) {
    all.push_back({.label = "rule-" + std::to_string(r),
                   .sites = rules == 1 ? "*" : sites[static_cast<std::size_t>(r) % sites.size()],
                   .direction = Direction::kBoth,
                   .perturbation = {"gaussian", {{"scale", 1e-3}}}});
  }
  return all;
}

void start(benchmark::State& state, std::int64_t sites, std::int64_t rules) {
  const Chain chain(sites);
  for (auto _ : state) {
    const Plan plan(rules_for(chain.names(), rules), {.seed = 1, .run_steps = kRunSteps}, chain.names());
    benchmark::DoNotOptimize(&plan);
  }
}

void step(benchmark::State& state, std::int64_t sites, std::int64_t rules) {
  const Chain chain(sites);
  Plan plan(rules_for(chain.names(), rules), {.seed = 1, .run_steps = kRunSteps}, chain.names());
  std::int64_t number = 0;
  std::vector<InjectionRecord> injections;
  for (auto _ : state) {
    const PlanScope scope(plan, {.step = number++ % kRunSteps, .rows = kRows, .loss_divisor = 1});
    chain.step();
    injections = plan.ledger().take_entries();
  }
  double bytes = 0;
  for (const InjectionRecord& one : injections) bytes += static_cast<double>(report::to_line(one).size() + 1);
  state.counters["injections"] = static_cast<double>(injections.size());
  state.counters["ledger_bytes"] = bytes;
}

// The most that tensors of this thread take at a time.
class PeakMemory : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    now_ += size;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

double peak_of(const std::function<void()>& step) {
  step();  // what stays from one step to the next is there
  const auto memory = std::make_shared<PeakMemory>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
  step();
  return static_cast<double>(memory->peak());
}

void memory(benchmark::State& state, const std::string& name) {
  Training clean(name, false);
  NoisyTraining perturbed(Training(name, true), {"*"});
  double before = 0, with = 0;
  for (auto _ : state) {
    before = peak_of([&] { clean.step(); });
    with = peak_of([&] { perturbed.step(); });
  }
  state.counters["clean_mib"] = before / (1 << 20);
  state.counters["perturbed_mib"] = with / (1 << 20);
  state.counters["ratio_median"] = with / before;
}

}  // namespace

void register_growth_rows() {
  const auto add = [](const char* what, const auto& run, std::int64_t sites, std::int64_t rules) {
    const std::string name =
        std::string("growth/") + what + "/sites:" + std::to_string(sites) + "/rules:" + std::to_string(rules);
    benchmark::RegisterBenchmark(name.c_str(), run, sites, rules)->Unit(benchmark::kMicrosecond);
  };
  for (const auto& [sites, rules] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {10, 1}, {100, 1}, {1000, 1}, {1000, 10}, {1000, 100}, {1000, 1000}}) {
    add("start", start, sites, rules);
    add("step", step, sites, rules);
  }
  for (const std::string name : kNetworks)
    benchmark::RegisterBenchmark((name + "/memory").c_str(), memory, name)->Iterations(1);
}

}  // namespace gradquake::bench

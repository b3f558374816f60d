// Training under Gaussian noise of both directions at the sites of some globs, ledgered.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "training.h"

namespace gradquake::bench {

class NoisyTraining {
 public:
  NoisyTraining(Training training, const std::vector<std::string>& globs)
      : training_(std::move(training)), plan_(rules(globs), {.seed = 1}) {}

  void step() {
    const PlanScope scope(plan_, {.step = step_++, .rows = training_.rows(), .loss_divisor = training_.rows()});
    training_.step();
    injections_ = plan_.ledger().take_entries().size();
    benchmark::DoNotOptimize(injections_);
  }

  std::size_t injections() const { return injections_; }  // of the last step

 private:
  static std::vector<Rule> rules(const std::vector<std::string>& globs) {
    std::vector<Rule> all;
    for (const std::string& glob : globs) {
      all.push_back({.label = glob,
                     .sites = glob,
                     .direction = Direction::kBoth,
                     .perturbation = {"gaussian", {{"scale", 0.01}}}});
    }
    return all;
  }

  Training training_;
  Plan plan_;
  std::int64_t step_ = 0;
  std::size_t injections_ = 0;
};

}  // namespace gradquake::bench

#include "gradquake/paper/run_lists.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace gradquake::paper {
namespace {

constexpr std::array kDirections = {Direction::kForward, Direction::kBackward};
constexpr std::array kDraws = {DrawMode::kPerStep, DrawMode::kPerSample};

RunSpec basic(const Settings& settings, const Regularizer& regularizer) {
  RunSpec spec;
  spec.regularizer = regularizer;
  spec.steps = settings.steps;
  spec.gradient_noise = settings.gradient_noise;
  return spec;
}

// Every step size, both draws, every seed.
void add_grid(const Settings& settings, RunSpec spec, std::vector<RunSpec>& runs) {
  for (const DrawMode draw : kDraws) {
    for (const double gamma : settings.step_sizes) {
      for (const std::int64_t seed : settings.seeds) {
        spec.draw = draw;
        spec.gamma = gamma;
        spec.seed = seed;
        runs.push_back(spec);
      }
    }
  }
}

std::vector<RunSpec> frequent(const Settings& settings, const Regularizer& regularizer) {
  std::vector<RunSpec> runs;
  RunSpec spec = basic(settings, regularizer);
  for (const Direction direction : kDirections) {
    for (const double sigma : settings.sigmas) {
      spec.direction = direction;
      spec.sigma = sigma;
      add_grid(settings, spec, runs);
    }
  }
  return runs;
}

std::vector<RunSpec> biased_backward(const Settings& settings) {
  std::vector<RunSpec> runs;
  RunSpec spec = basic(settings, nonconvex(settings));
  spec.biased = true;
  for (const double sigma : settings.sigmas) {
    spec.sigma = sigma;
    add_grid(settings, spec, runs);
  }
  return runs;
}

std::vector<RunSpec> intermittent(const Settings& settings, const Regularizer& regularizer) {
  std::vector<RunSpec> runs;
  RunSpec spec = basic(settings, regularizer);
  spec.direction = Direction::kForward;
  for (const double sigma : settings.intermittent_sigmas) {
    for (const std::int64_t interval : settings.intervals) {
      spec.sigma = sigma;
      spec.interval = interval;
      add_grid(settings, spec, runs);
    }
  }
  return runs;
}

Regularizer intermittent_convex(const Settings& settings) {
  return {RegularizerKind::kL2, settings.intermittent_l2_rho};
}

}  // namespace

Regularizer nonconvex(const Settings& settings) { return {RegularizerKind::kNonconvex, settings.nonconvex_rho}; }

Regularizer strongly_convex(const Settings& settings) { return {RegularizerKind::kL2, settings.l2_rho}; }

std::vector<RunSpec> figure_runs(const Settings& settings, int figure) {
  switch (figure) {
    case 3: {
      std::vector<RunSpec> runs = frequent(settings, nonconvex(settings));
      const double largest = *std::max_element(settings.sigmas.begin(), settings.sigmas.end());
      std::erase_if(runs, [&](const RunSpec& run) { return run.sigma != largest; });
      return runs;
    }
    case 4:
      return frequent(settings, nonconvex(settings));
    case 5:
      return frequent(settings, strongly_convex(settings));
    case 6:
      return biased_backward(settings);
    case 7:
      return intermittent(settings, nonconvex(settings));
    default:
      return intermittent(settings, intermittent_convex(settings));
  }
}

std::vector<RunSpec> standard_runs(const Settings& settings, std::optional<int> figure) {
  std::vector<Regularizer> regularizers;
  if (!figure || (*figure != 5 && *figure != 8)) regularizers.push_back(nonconvex(settings));
  if (!figure || *figure == 5) regularizers.push_back(strongly_convex(settings));
  if (!figure || *figure == 8) regularizers.push_back(intermittent_convex(settings));
  std::vector<RunSpec> runs;
  for (const Regularizer& regularizer : regularizers) {
    RunSpec spec = basic(settings, regularizer);
    for (const double gamma : settings.step_sizes) {
      for (const std::int64_t seed : settings.seeds) {
        spec.gamma = gamma;
        spec.seed = seed;
        runs.push_back(spec);
      }
    }
  }
  return runs;
}

std::vector<RunSpec> coupled_runs(const Settings& settings) {
  std::vector<RunSpec> runs;
  for (const Regularizer& regularizer : {nonconvex(settings), strongly_convex(settings)}) {
    for (const double step_size : settings.coupled.step_sizes) {
      for (const std::int64_t T : settings.coupled.steps) {
        for (const std::int64_t seed : settings.seeds) {
          RunSpec spec = basic(settings, regularizer);
          spec.steps = T;
          spec.gamma = step_size / std::sqrt(static_cast<double>(T));
          spec.seed = seed;
          runs.push_back(spec);
          for (const Direction direction : kDirections) {
            for (const double sigma : settings.coupled.sigmas) {
              spec.direction = direction;
              spec.sigma = sigma;
              runs.push_back(spec);
            }
          }
        }
      }
    }
  }
  return runs;
}

std::vector<std::int64_t> table1_intervals(std::int64_t T) {
  std::vector<std::int64_t> intervals;
  for (std::int64_t interval = 1; interval <= std::min<std::int64_t>(T / 4, 1024); interval *= 2)
    intervals.push_back(interval);
  return intervals;
}

double table1_sigma(const Settings& settings, const Regularizer& regularizer) {
  return regularizer.kind == RegularizerKind::kNonconvex ? settings.table1.nonconvex_sigma : settings.table1.pl_sigma;
}

double table1_step_size(const Settings& settings, const Regularizer& regularizer, std::int64_t T) {
  const auto steps = static_cast<double>(T);
  if (regularizer.kind == RegularizerKind::kNonconvex) return settings.table1.nonconvex_step_size / std::sqrt(steps);
  return settings.table1.pl_step_size * std::log(steps) / (2 * regularizer.weight * steps);
}

std::vector<RunSpec> table1_runs(const Settings& settings) {
  std::vector<RunSpec> runs;
  for (const Regularizer& regularizer : {nonconvex(settings), strongly_convex(settings)}) {
    for (const std::int64_t T : settings.table1.steps) {
      for (const std::int64_t seed : settings.seeds) {
        RunSpec spec = basic(settings, regularizer);
        spec.steps = T;
        spec.gamma = table1_step_size(settings, regularizer, T);
        spec.gradient_noise = settings.table1.gradient_noise;
        spec.seed = seed;
        runs.push_back(spec);
        spec.sigma = table1_sigma(settings, regularizer);
        for (const Direction direction : kDirections) {
          for (const bool biased : {false, true}) {
            for (const std::int64_t interval : table1_intervals(T)) {
              spec.direction = direction;
              spec.biased = biased;
              spec.interval = interval;
              runs.push_back(spec);
            }
          }
        }
      }
    }
  }
  return runs;
}

}  // namespace gradquake::paper

// What the paper leaves open and what it states, all of it a setting: `gradquake reproduce paper steps=50000`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::paper {

struct CoupledSettings {                                                 // Remark 4
  std::vector<double> step_sizes = {1, 10};                              // gamma = this / sqrt(T)
  std::vector<std::int64_t> steps = {2000, 6000, 20000, 60000, 200000};  // T
  std::vector<double> sigmas = {0.5, 1, 2};
};

struct Table1Settings {  // the largest Q with a metric <= 2x the unperturbed one
  std::vector<std::int64_t> steps = {8000, 16000, 32000, 64000, 128000};  // T
  double nonconvex_sigma = 20;  // half-width sigma/sqrt(d) of one occurrence, of order 1
  double pl_sigma = 6;
  double nonconvex_step_size = 20;  // gamma = this / sqrt(T)
  double pl_step_size = 3;          // gamma = this ln(T) / (mu T), mu = 2 rho
  double gradient_noise = 0.05;     // larger than section 7's, so that the tolerated Q is above 1
  double factor = 2;
};

struct Settings {
  std::int64_t samples = 2000;                        // M
  std::int64_t features = 10;                         // d
  std::int64_t steps = 200000;                        // T
  std::vector<std::int64_t> seeds = {1, 2, 3, 4, 5};  // of data and noise
  std::vector<double> step_sizes = {1, 0.3, 0.1, 0.03, 0.01};
  std::vector<double> sigmas = {0.1, 0.5, 1, 2};
  std::vector<double> intermittent_sigmas = {1, 2};
  std::vector<std::int64_t> intervals = {1, 10, 100, 1000};
  double ewma = 0.01;             // weight of the new value
  double initial_weight = 0;      // every coordinate of w_0
  double gradient_noise = 0.001;  // sigma_n
  double nonconvex_rho = 0.001;
  double l2_rho = 0.1;
  double intermittent_l2_rho = 0.5;
  CoupledSettings coupled;
  Table1Settings table1;
  std::int64_t threads = 0;  // resolved: the cores there are

  std::string resolved;  // all of the above as YAML
};

// The defaults, `quick`'s smaller ones, and overrides `key=value`. Throws UserError on a mistake.
GRADQUAKE_EXPORT Settings read_settings(bool quick, const std::vector<std::string>& overrides);

}  // namespace gradquake::paper

// ns per replica-step of section 7, in float64 on one core: the replicas side by side, and the loop a programmer writes
// first (one replica, std::exp). Prints the median of nine repeats, interleaved.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/hooks/random/noise_reference.h"
#include "gradquake/paper/replica_batch.h"

namespace gradquake::paper {
namespace {

constexpr int kRepeats = 9;

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double batch_ns(const Problem& problem, Direction direction, DrawMode draw, std::int64_t interval) {
  Batch batch;
  batch.steps = 1000;
  batch.direction = direction;
  batch.draw = draw;
  batch.gradient_noise = 1e-3;
  batch.lanes.assign(kLanes, Lane{0.1, {}, 2 / std::sqrt(10.0), 0, interval});
  const double start = cpu_ns();
  run_batch(problem, batch);
  return (cpu_ns() - start) / static_cast<double>(batch.steps) / kLanes;
}

// Forward noise, one draw a step, exact gradient for the metric beside the perturbed one, as in the loop measured.
double plain_ns(const Problem& problem) {
  constexpr int kSteps = 60;
  const std::size_t d = problem.features;
  std::vector<double> w(d, 0.0), clean(d), perturbed(d);
  volatile double metric = 0;
  const double start = cpu_ns();
  for (int step = 0; step < kSteps; ++step) {
    const double delta = 0.6 * std::sin(static_cast<double>(step));
    std::fill(clean.begin(), clean.end(), 0.0);
    std::fill(perturbed.begin(), perturbed.end(), 0.0);
    for (std::size_t l = 0; l < problem.samples; ++l) {
      const double* const a = problem.row(l);
      double x = 0;
      for (std::size_t j = 0; j < d; ++j) x += a[j] * w[j];
      const double s = 1 / (1 + std::exp(-x)), moved = 1 / (1 + std::exp(-x - delta));
      for (std::size_t j = 0; j < d; ++j) clean[j] += a[j] * s, perturbed[j] += a[j] * moved;
    }
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const double penalty = Regularizer{}.gradient(w[j]);
      const double exact = clean[j] / static_cast<double>(problem.samples) + penalty;
      square += exact * exact;
      w[j] -= 0.1 * (perturbed[j] / static_cast<double>(problem.samples) + penalty);
    }
    metric = metric + std::sqrt(square);
  }
  return (cpu_ns() - start) / kSteps;
}

}  // namespace
}  // namespace gradquake::paper

int main() {
  using namespace gradquake;
  using namespace gradquake::paper;
  const Problem problem = make_problem(2000, 10, 1);
  struct Row {
    std::string name;
    std::function<double()> measure;
    std::vector<double> values;
  };
  std::vector<Row> rows;
  const auto add = [&](const char* name, Direction direction, DrawMode draw, std::int64_t interval) {
    rows.push_back(
        {name, [&problem, direction, draw, interval] { return batch_ns(problem, direction, draw, interval); }, {}});
  };
  add("backward per_step", Direction::kBackward, DrawMode::kPerStep, 1);
  add("backward per_sample", Direction::kBackward, DrawMode::kPerSample, 1);
  add("forward per_step", Direction::kForward, DrawMode::kPerStep, 1);
  add("forward per_sample", Direction::kForward, DrawMode::kPerSample, 1);
  add("forward per_sample, interval 10", Direction::kForward, DrawMode::kPerSample, 10);
  rows.push_back({"plain C++ loop, forward per_step", [&problem] { return plain_ns(problem); }, {}});
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    for (Row& row : rows) row.values.push_back(row.measure());
  }
  std::printf("M = 2000, d = 10, float64, %s\n", instruction_set_name(instruction_set()));
  for (Row& row : rows) {
    std::sort(row.values.begin(), row.values.end());
    std::printf("%-34s %8.0f ns per replica-step\n", row.name.c_str(), row.values[kRepeats / 2]);
  }
}

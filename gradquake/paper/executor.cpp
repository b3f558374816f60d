#include "gradquake/paper/executor.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "gradquake/paper/metrics.h"

namespace gradquake::paper {
namespace {

constexpr std::int64_t kLateSamples = 20;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// T/2, the late steps, T.
std::vector<std::int64_t> snapshot_steps(std::int64_t T) {
  std::vector<std::int64_t> steps = {T / 2};
  for (std::int64_t i = 0; i < kLateSamples; ++i) steps.push_back(T - T / 10 + i * (T / 10) / kLateSamples);
  steps.push_back(T);
  return steps;
}

RunRecord record_of(const Problem& problem, const Settings& settings, const RunSpec& spec, const BatchResult& result,
                    std::size_t lane) {
  RunRecord record;
  const std::vector<double> norms = result.norms_of(lane);
  for (const double n : norms) record.mean_squared_norm += n * n / static_cast<double>(norms.size());
  const std::vector<double> averages = moving_average(norms, settings.ewma);
  record.stable_grad_norm = stable_norm(averages);
  record.stable_iteration = stable_iteration(averages, record.stable_grad_norm);
  for (const std::int64_t t : trajectory_steps(spec.steps))
    record.trajectory.push_back(averages[static_cast<std::size_t>(t)]);
  const auto loss_at = [&](std::size_t snapshot) {
    return loss(problem, spec.regularizer, result.snapshots[snapshot][lane]);
  };
  const std::size_t last = result.snapshots.size() - 1;
  for (std::size_t i = 1; i < last; ++i) record.late_loss += loss_at(i) / static_cast<double>(last - 1);
  record.half_loss = loss_at(0);
  record.final_loss = loss_at(last);
  record.half_weight_norm = norm(result.snapshots[0][lane]);
  record.weight_norm = norm(result.snapshots[last][lane]);
  return record;
}

std::vector<std::pair<std::string, RunRecord>> run(const Problem& problem, const Settings& settings,
                                                   const std::vector<RunSpec>& specs) {
  const double start = thread_seconds();
  const RunSpec& any = specs.back();  // standard runs come first
  Batch batch;
  batch.seed = static_cast<std::uint64_t>(any.seed);
  batch.steps = any.steps;
  batch.direction = any.direction;
  batch.draw = any.draw;
  batch.gradient_noise = any.gradient_noise;
  batch.initial_weight = settings.initial_weight;
  batch.snapshots = snapshot_steps(any.steps);
  for (const RunSpec& spec : specs) batch.lanes.push_back(spec.lane(settings.features));
  const BatchResult result = run_batch(problem, batch);
  std::vector<std::pair<std::string, RunRecord>> records;
  for (std::size_t lane = 0; lane < specs.size(); ++lane)
    records.emplace_back(specs[lane].key(settings), record_of(problem, settings, specs[lane], result, lane));
  for (auto& [key, record] : records) record.seconds = (thread_seconds() - start) / static_cast<double>(specs.size());
  return records;
}

double steps_of(const std::vector<RunSpec>& batch) {
  return static_cast<double>(batch.front().steps) * static_cast<double>(batch.size());
}

}  // namespace

std::vector<std::vector<RunSpec>> pack(std::vector<RunSpec> runs) {
  for (RunSpec& run : runs) {
    if (!run.standard()) continue;
    run.direction = Direction::kBackward;
    run.draw = DrawMode::kPerStep;
  }
  const auto group = [](const RunSpec& run) {
    const bool rare = !run.standard() && run.interval > 1;
    return std::tuple(-run.steps, run.seed, run.direction, run.draw, run.gradient_noise, rare);
  };
  const auto order = [&](const RunSpec& run) {
    return std::tuple(group(run), run.standard() ? 0 : run.interval, run.sigma);
  };
  std::stable_sort(runs.begin(), runs.end(), [&](const RunSpec& a, const RunSpec& b) { return order(a) < order(b); });
  std::vector<std::vector<RunSpec>> batches;
  for (const RunSpec& run : runs) {
    if (batches.empty() || batches.back().size() == kLanes || group(batches.back().back()) != group(run))
      batches.emplace_back();
    batches.back().push_back(run);
  }
  return batches;
}

ExecutorResult execute(const Settings& settings, const std::vector<RunSpec>& runs, RunStore& store,
                       const std::function<void(const ExecutorProgress&)>& progress) {
  std::vector<RunSpec> missing;
  std::set<std::string> keys;
  for (const RunSpec& run : runs) {
    const std::string key = run.key(settings);
    if (!store.find(key) && keys.insert(key).second) missing.push_back(run);
  }
  const std::vector<std::vector<RunSpec>> batches = pack(missing);
  std::map<std::int64_t, Problem> problems;
  ExecutorProgress state;
  for (const RunSpec& run : missing) {
    state.replica_steps += static_cast<double>(run.steps);
    if (problems.count(run.seed) != 0) continue;
    problems[run.seed] = make_problem(settings, run.seed);
  }
  state.runs = missing.size();

  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const auto work = [&] {
    try {
      for (std::size_t i; (i = next.fetch_add(1)) < batches.size();) {
        store.append(run(problems.at(batches[i].front().seed), settings, batches[i]));
        const std::lock_guard lock(mutex);
        state.runs_done += batches[i].size();
        state.replica_steps_done += steps_of(batches[i]);
        state.seconds = seconds();
        if (progress) progress(state);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = batches.size();
    }
  };
  std::vector<std::thread> threads;
  for (std::int64_t i = 1; i < settings.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  return {missing.size(), state.replica_steps, seconds()};
}

}  // namespace gradquake::paper

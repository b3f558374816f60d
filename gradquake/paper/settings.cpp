#include "gradquake/paper/settings.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "gradquake/config/document.h"
#include "gradquake/paper/lane_pass.h"

namespace gradquake::paper {
namespace {

using config::Range;
using config::Reader;

constexpr std::int64_t kMostSteps = 100000000;

Settings quick_settings() {
  Settings quick;
  quick.samples = 200;
  quick.steps = 30000;
  quick.seeds = {1, 2, 3};
  quick.step_sizes = {0.3, 0.1, 0.05};
  quick.sigmas = {0.5, 2};
  quick.intervals = {1, 10, 100};
  quick.coupled.steps = {500, 2000, 8000};
  quick.coupled.sigmas = {2};
  quick.table1.steps = {1000, 4000, 16000};
  return quick;
}

template <typename T>
void check_list(Reader& reader, const std::string& key, const std::vector<T>& values, std::size_t fewest) {
  if (values.size() < fewest)
    reader.fail(key, "expected " + std::to_string(fewest) + " values or more, got " + std::to_string(values.size()));
  if (std::set<T>(values.begin(), values.end()).size() != values.size())
    reader.fail(key, "expected values that differ, got one twice");
}

std::vector<double> magnitudes(Reader& reader, const std::string& key, const std::vector<double>& def,
                               std::int64_t features) {
  const Range range{.min = 0, .max = kLargestShift * std::sqrt(static_cast<double>(features)), .min_open = true};
  std::vector<double> values = reader.numbers(key, def, range);
  check_list(reader, key, values, 1);
  return values;
}

CoupledSettings read_coupled(Reader reader, CoupledSettings coupled, std::int64_t features) {
  coupled.step_sizes = reader.numbers("step_sizes", coupled.step_sizes, Range::positive());
  check_list(reader, "step_sizes", coupled.step_sizes, 1);
  coupled.steps = reader.integers("steps", coupled.steps, 2, kMostSteps);
  check_list(reader, "steps", coupled.steps, 3);
  coupled.sigmas = magnitudes(reader, "sigmas", coupled.sigmas, features);
  reader.finish();
  return coupled;
}

Table1Settings read_table1(Reader reader, Table1Settings table1, std::int64_t features) {
  table1.steps = reader.integers("steps", table1.steps, 16, kMostSteps);
  check_list(reader, "steps", table1.steps, 3);
  const double most = kLargestShift * std::sqrt(static_cast<double>(features));
  const Range sizes{.min = 0, .max = most, .min_open = true};
  table1.nonconvex_sigma = reader.number("nonconvex_sigma", table1.nonconvex_sigma, sizes);
  table1.pl_sigma = reader.number("pl_sigma", table1.pl_sigma, sizes);
  table1.nonconvex_step_size = reader.number("nonconvex_step_size", table1.nonconvex_step_size, Range::positive());
  table1.pl_step_size = reader.number("pl_step_size", table1.pl_step_size, Range::positive());
  table1.gradient_noise = reader.number("gradient_noise", table1.gradient_noise, Range::positive());
  table1.factor = reader.number("factor", table1.factor, Range{.min = 1, .min_open = true});
  reader.finish();
  return table1;
}

}  // namespace

Settings read_settings(bool quick, const std::vector<std::string>& overrides) {
  config::Document document = config::Document::parse("{}", "reproduce paper", overrides);
  Reader reader = document.root();
  Settings s = quick ? quick_settings() : Settings{};
  s.samples = reader.integer("samples", s.samples, 1, 1 << 24);
  s.features = reader.integer("features", s.features, 1, static_cast<std::int64_t>(kMostFeatures));
  s.steps = reader.integer("steps", s.steps, 2, kMostSteps);
  s.seeds = reader.integers("seeds", s.seeds, 0);
  check_list(reader, "seeds", s.seeds, 1);
  s.step_sizes = reader.numbers("step_sizes", s.step_sizes, Range::positive());
  check_list(reader, "step_sizes", s.step_sizes, 2);
  s.sigmas = magnitudes(reader, "sigmas", s.sigmas, s.features);
  s.intermittent_sigmas = magnitudes(reader, "intermittent_sigmas", s.intermittent_sigmas, s.features);
  s.intervals = reader.integers("intervals", s.intervals, 1);
  check_list(reader, "intervals", s.intervals, 2);
  s.ewma = reader.number("ewma", s.ewma, Range{.min = 0, .max = 1, .min_open = true});
  s.initial_weight = reader.number("initial_weight", s.initial_weight);
  s.gradient_noise = reader.number("gradient_noise", s.gradient_noise, Range::non_negative());
  s.nonconvex_rho = reader.number("nonconvex_rho", s.nonconvex_rho, Range::non_negative());
  s.l2_rho = reader.number("l2_rho", s.l2_rho, Range::positive());
  s.intermittent_l2_rho = reader.number("intermittent_l2_rho", s.intermittent_l2_rho, Range::positive());
  s.coupled = read_coupled(reader.section("coupled"), s.coupled, s.features);
  s.table1 = read_table1(reader.section("table1"), s.table1, s.features);
  const auto threads = reader.integer_or_word("threads", "auto", std::nullopt, 1, 1024);
  s.threads = threads.value_or(std::max<std::int64_t>(1, std::thread::hardware_concurrency()));
  reader.set_resolved("threads", s.threads);
  reader.finish();
  s.resolved = document.resolved();
  return s;
}

}  // namespace gradquake::paper

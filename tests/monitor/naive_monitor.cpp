#include "naive_monitor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <sstream>

namespace gradquake::monitor::test {
namespace {

using Values = std::vector<double>;

double median_of(Values values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : std::midpoint(values[n / 2 - 1], values[n / 2]);
}

double mad_of(Values values) {
  const double median = median_of(values);
  for (double& value : values) value = std::abs(value - median);
  return median_of(values);
}

Values last_of(const Values& values, int count) {
  const auto keep = std::min(values.size(), static_cast<std::size_t>(count));
  return {values.end() - static_cast<std::ptrdiff_t>(keep), values.end()};
}

// Change of the least-squares line over the values, by the normal equations.
bool flat(const Values& values) {
  long double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto t = static_cast<long double>(i);
    n += 1;
    x += t;
    y += values[i];
    xx += t * t;
    xy += t * values[i];
  }
  const long double slope = (n * xy - x * y) / (n * xx - x * x);
  return std::abs(slope * (n - 1)) < 0.1L * std::abs(y / n);
}

struct Naive {
  const std::vector<StepRecord>& records;
  const MonitorConfig& config;

  std::optional<double> norm(std::size_t t) const {
    const StepRecord& r = records[t];
    const bool fired = r.forward_fired || r.backward_fired;
    const double n = r.clean_grad_norm ? *r.clean_grad_norm : fired ? NAN : r.grad_norm;
    return std::isfinite(n) ? std::optional(n) : std::nullopt;
  }
  std::optional<double> loss(std::size_t t) const {
    const StepRecord& r = records[t];
    const double l = r.clean_loss ? *r.clean_loss : r.forward_fired ? NAN : r.loss;
    return std::isfinite(l) ? std::optional(l) : std::nullopt;
  }
  // Known values at steps first <= t < end.
  Values norms(std::size_t first, std::size_t end) const {
    Values values;
    for (std::size_t t = first; t < end; ++t) {
      if (norm(t)) values.push_back(*norm(t));
    }
    return values;
  }
  Values losses(std::size_t first, std::size_t end) const {
    Values values;
    for (std::size_t t = first; t < end; ++t) {
      if (loss(t)) values.push_back(*loss(t));
    }
    return values;
  }

  std::string detector(std::size_t t, std::optional<double>& score) const {
    const StepRecord& r = records[t];
    Values logs;
    for (std::size_t s = 0; s < t; ++s) {
      if (std::isfinite(records[s].grad_norm) && records[s].grad_norm > 0)
        logs.push_back(std::log(records[s].grad_norm));
    }
    if (static_cast<int>(logs.size()) >= config.spikes.warmup && std::isfinite(r.grad_norm) && r.grad_norm > 0) {
      const auto window = last_of(logs, config.spikes.window);
      score = (std::log(r.grad_norm) - median_of(window)) / (1.4826 * std::max(mad_of(window), 0.02));
    }
    const bool robust = score && *score >= config.spikes.robust_score;

    bool shadow = false;
    if (r.grad_error && r.clean_grad_norm && std::isfinite(*r.clean_grad_norm) && *r.grad_error > 0) {
      const auto window = last_of(norms(0, t), config.spikes.window);
      const double floor = window.empty() ? 0 : 0.1 * median_of(window);
      shadow = *r.grad_error >= config.spikes.shadow_ratio * std::max(*r.clean_grad_norm, floor);
    }
    if (!std::isfinite(r.grad_norm) || !std::isfinite(r.loss)) return "nonfinite";
    return shadow && robust ? "both" : shadow ? "shadow" : robust ? "robust" : "";
  }
};

struct NaiveEpisode {
  std::size_t opened = 0;
  std::optional<double> level, loss_level;
  double norm_top = 0, loss_top = 0;
  std::vector<std::size_t> spikes;       // steps
  std::vector<std::size_t> gradient_of;  // steps of spikes whose gradient count is undecided

  struct Track {
    std::vector<std::size_t> steps;  // where both values are known
    std::vector<bool> in;
    Values e, l;
    std::vector<std::size_t> norm_steps;  // where the norm is known
    std::vector<bool> norm_in;
  };

  // e, l and the bands from the opening up to and including step t.
  Track track(const Naive& run, std::size_t t) const {
    const double w = run.config.recovery.ewma;
    Track out;
    double e = level.value_or(0), l = loss_level.value_or(0);
    for (std::size_t s = opened + 1; s <= t; ++s) {
      const auto n = run.norm(s), f = run.loss(s);
      if (n) e = (1 - w) * e + w * *n;
      if (f) l = (1 - w) * l + w * *f;
      if (n && level) {
        out.norm_steps.push_back(s);
        out.norm_in.push_back(e <= norm_top);
      }
      if (n && f && level && loss_level) {
        out.steps.push_back(s);
        out.in.push_back(l <= loss_top && (e <= norm_top || l <= 0.9 * *loss_level));
        out.e.push_back(e);
        out.l.push_back(l);
      }
    }
    return out;
  }
};

// The steps to recover, where the last `hold` of the flags, taken at `steps`, are all in band.
std::optional<std::int64_t> counted(const std::vector<std::size_t>& steps, const std::vector<bool>& in,
                                    std::size_t hold, const std::vector<std::size_t>& spikes) {
  if (in.size() < hold || std::find(in.end() - static_cast<std::ptrdiff_t>(hold), in.end(), false) != in.end()) {
    return std::nullopt;
  }
  if (std::find(in.begin(), in.end(), false) == in.end()) return 0;
  const std::size_t first = steps[steps.size() - hold];
  std::size_t last_spike = 0;
  for (const std::size_t spike : spikes) {
    if (spike < first) last_spike = spike;
  }
  return static_cast<std::int64_t>(first) - static_cast<std::int64_t>(last_spike);
}

}  // namespace

NaiveResult naive_monitor(const std::vector<StepRecord>& records, const MonitorConfig& config) {
  const Naive run{records, config};
  const RecoveryConfig& recovery = config.recovery;
  const auto hold = static_cast<std::size_t>(recovery.hold);
  NaiveResult result;
  std::optional<NaiveEpisode> open;
  std::string worst = "none";
  bool weights_finite = true;

  const auto close = [&](const std::string& verdict, std::optional<std::int64_t> steps, bool counts) {
    for (SpikeRecord& spike : result.spikes) {
      if (spike.episode != result.episodes - 1) continue;
      spike.verdict = verdict;
      spike.observed_recovery_steps = steps;
    }
    if (counts) worst = worse_verdict(worst, verdict);
    open.reset();
  };

  for (std::size_t t = 0; t < records.size(); ++t) {
    weights_finite = weights_finite && records[t].weights_finite;
    if (open) {
      const auto track = open->track(run, t);
      const auto later_losses = run.losses(open->opened + 1, t + 1);
      const auto first_loss = run.losses(0, t + 1);
      bool exploded = later_losses.size() >= hold && first_loss[0] > 0;
      for (const double loss : last_of(later_losses, recovery.hold)) {
        exploded = exploded && loss > recovery.diverged_loss_factor * first_loss[0];
      }

      if (!open->gradient_of.empty() && weights_finite && !exploded) {
        const std::size_t from = open->gradient_of.front();
        const auto begin = std::upper_bound(track.norm_steps.begin(), track.norm_steps.end(), from);
        const std::vector<std::size_t> steps(begin, track.norm_steps.end());
        const std::vector<bool> in(track.norm_in.end() - static_cast<std::ptrdiff_t>(steps.size()),
                                   track.norm_in.end());
        if (const auto back = counted(steps, in, hold, open->gradient_of)) {
          for (SpikeRecord& spike : result.spikes) {
            const auto step = static_cast<std::size_t>(spike.step);
            if (std::count(open->gradient_of.begin(), open->gradient_of.end(), step))
              spike.gradient_recovery_steps = back;
          }
          open->gradient_of.clear();
        }
      }

      const auto window = static_cast<std::size_t>(recovery.plateau_window);
      const bool stuck =
          track.in.size() >= window &&
          std::find(track.in.end() - static_cast<std::ptrdiff_t>(window), track.in.end(), true) == track.in.end() &&
          flat(last_of(track.e, recovery.plateau_window)) && flat(last_of(track.l, recovery.plateau_window));
      const auto back = counted(track.steps, track.in, hold, open->spikes);
      if (!weights_finite || exploded) {
        close("diverged", std::nullopt, true);
      } else if (back) {
        close("recovered", back, true);
      } else if (stuck) {
        close("plateau", std::nullopt, true);
      }
    }

    SpikeRecord spike;
    spike.step = static_cast<std::int64_t>(t);
    spike.detector = run.detector(t, spike.score);
    if (spike.detector.empty()) continue;
    if (!open) {
      open.emplace();
      open->opened = t;
      ++result.episodes;
      const auto norms = last_of(run.norms(0, t + 1), recovery.level_window);
      const auto losses = last_of(run.losses(0, t + 1), recovery.level_window);
      if (!norms.empty()) {
        open->level = median_of(norms);
        open->norm_top = std::max(recovery.factor * *open->level, *open->level + 4.45 * mad_of(norms));
      }
      if (!losses.empty()) {
        open->loss_level = median_of(losses);
        open->loss_top = std::max(recovery.factor * *open->loss_level, *open->loss_level + 4.45 * mad_of(losses));
      }
    }
    open->spikes.push_back(t);
    open->gradient_of.push_back(t);
    spike.grad_norm = records[t].grad_norm;
    spike.clean_grad_norm = records[t].clean_grad_norm;
    spike.grad_error = records[t].grad_error;
    spike.level = open->level;
    spike.loss_level = open->loss_level;
    spike.episode = result.episodes - 1;
    result.spikes.push_back(spike);
  }

  if (open) {
    const auto track = open->track(run, records.size() - 1);
    const bool in_band = open->level && open->loss_level && (track.in.empty() || track.in.back());
    const bool young = in_band && track.in.size() < hold;
    close(weights_finite ? "open" : "diverged", std::nullopt, !weights_finite || !young);
  }
  if (!weights_finite) worst = "diverged";
  result.worst = worst;

  const auto losses = run.losses(0, records.size());
  if (!losses.empty()) {
    double best = std::numeric_limits<double>::infinity();
    double last = 0;
    for (std::size_t i = 1; i <= losses.size(); ++i) {
      last =
          median_of(last_of({losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(i)}, recovery.level_window));
      best = std::min(best, last);
    }
    result.progress_lost = (last - best) / std::max(losses[0] - best, 0.1 * losses[0]);
  }
  return result;
}

std::vector<StepRecord> random_run(std::uint64_t seed, std::int64_t steps) {
  std::mt19937_64 draw(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  const auto chance = [&](double p) { return uniform(draw) < p; };
  const double noise = 0.4 * uniform(draw);
  const double shadow = chance(0.5) ? 1 : uniform(draw);
  const double fires = chance(0.3) ? 0.8 : 0.1 * uniform(draw);
  const double harm = chance(0.4) ? 0 : 4 * uniform(draw);
  const double heals = chance(0.3) ? 0 : 0.3 * uniform(draw);
  double excess = 0;  // of the logarithms of norm and loss, after damage
  double weights = 1;

  std::vector<StepRecord> records;
  for (std::int64_t t = 0; t < steps; ++t) {
    const double trend = 0.1 + std::exp(-static_cast<double>(t) / 100);
    const double norm = trend * std::exp(excess + noise * normal(draw));
    const double loss = 2 * trend * std::exp(0.8 * excess + noise * normal(draw));
    StepRecord r;
    r.step = t;
    r.loss = loss;
    r.grad_norm = norm;
    r.layers.grad = {0.6 * norm, 0.8 * norm};
    double error = 0;
    if (chance(fires)) {
      (chance(0.5) ? r.forward_fired : r.backward_fired) = true;
      error = norm * std::exp(2 * normal(draw));
      r.grad_norm = std::hypot(norm, error);
      if (r.forward_fired) r.loss = loss * std::exp(normal(draw));
      r.injections = {{t, "a", "layers.1", r.forward_fired ? "forward" : "backward", 0, 8, error, 1}};
    }
    if (chance(shadow)) {
      r.clean_loss = loss;
      r.clean_grad_norm = norm;
      r.grad_error = error;
      r.layers.clean_grad = {0.6 * norm, 0.8 * norm};
      r.layers.grad_error = {0.8 * error, 0.6 * error};
    }
    if (chance(0.004)) r.grad_norm = std::numeric_limits<double>::quiet_NaN();
    if (chance(0.002)) r.grad_norm = 0;
    if (chance(0.001)) r.loss = std::numeric_limits<double>::infinity();
    if (chance(0.0002)) weights = std::numeric_limits<double>::quiet_NaN();
    r.weights_finite = std::isfinite(weights);
    r.finite = std::isfinite(r.loss) && std::isfinite(r.grad_norm);
    if (error > norm) excess += harm * uniform(draw);
    excess = std::min(excess, 6.0) * (1 - heals);
    records.push_back(std::move(r));
  }
  return records;
}

MonitorConfig small_windows() {
  MonitorConfig config;
  config.spikes.window = 30;
  config.spikes.warmup = 8;
  config.recovery.level_window = 6;
  config.recovery.hold = 4;
  config.recovery.plateau_window = 25;
  return config;
}

std::string described(const std::vector<SpikeRecord>& spikes) {
  std::ostringstream out;
  out << std::hexfloat;
  const auto put = [&](const auto& value) { value ? out << *value << ' ' : out << "- "; };
  for (const SpikeRecord& spike : spikes) {
    out << spike.step << ' ' << spike.detector << ' ' << spike.episode << ' ' << spike.verdict << ' ' << spike.layer
        << ' ';
    put(spike.score);
    put(spike.grad_norm);
    put(spike.clean_grad_norm);
    put(spike.grad_error);
    put(spike.level);
    put(spike.loss_level);
    put(spike.observed_recovery_steps);
    put(spike.gradient_recovery_steps);
    for (const SpikeCause& cause : spike.causes) {
      out << cause.rule << cause.site << cause.direction << cause.norm << cause.steps_ago << ' ';
    }
    out << '\n';
  }
  return out.str();
}

}  // namespace gradquake::monitor::test

#include "gradquake/monitor/episode.h"

#include <algorithm>

#include "gradquake/monitor/state.h"

namespace gradquake::monitor {
namespace {

constexpr double kBandMads = 4.45;     // three standard deviations of a normal distribution, 3 x 1.4826
constexpr double kLearningLoss = 0.9;  // of loss_level: the loss has clearly moved on, whatever the norm does

double band_top(double factor, double level, double mad) { return std::max(factor * level, level + kBandMads * mad); }

}  // namespace

Episode::Episode(const RecoveryConfig& config, const Levels& levels, std::int64_t spike_step)
    : config_(config),
      levels_(levels),
      norm_(levels.level.value_or(0)),
      loss_(levels.loss_level.value_or(0)),
      row_(config.hold, spike_step),
      gradient_row_(config.hold, spike_step),
      plateau_(config.plateau_window),
      in_band_(levels.level && levels.loss_level) {}

void Episode::join(std::int64_t spike_step) {
  row_.join(spike_step);
  if (gradient_row_.recovery_steps())
    gradient_row_ = BandRow(config_.hold, spike_step);
  else
    gradient_row_.join(spike_step);
}

std::string Episode::observe(const Observation& now) {
  if (levels_.level && now.norm) norm_ = (1 - config_.ewma) * norm_ + config_.ewma * *now.norm;
  if (levels_.loss_level && now.loss) loss_ = (1 - config_.ewma) * loss_ + config_.ewma * *now.loss;

  if (!now.weights_finite || loss_diverged(now)) return "diverged";
  if (levels_.level && now.norm) gradient_row_.observe(now.step, gradient_in_band());
  if (!levels_.level || !levels_.loss_level || !now.norm || !now.loss) return "";

  counted_ = std::min(counted_ + 1, config_.hold);
  in_band_ = in_band();
  row_.observe(now.step, in_band_);
  if (row_.recovery_steps()) return "recovered";
  if (in_band_) {
    plateau_.clear();
    return "";
  }
  plateau_.enter(norm_, loss_);
  return plateau_.reached() ? "plateau" : "";
}

bool Episode::too_young_to_tell() const { return in_band_ && counted_ < config_.hold; }

bool Episode::loss_diverged(const Observation& now) {
  if (!now.loss || !now.first_loss || !(*now.first_loss > 0)) return false;
  exploded_ = *now.loss > config_.diverged_loss_factor * *now.first_loss ? exploded_ + 1 : 0;
  return exploded_ >= config_.hold;
}

bool Episode::gradient_in_band() const { return norm_ <= band_top(config_.factor, *levels_.level, levels_.norm_mad); }

bool Episode::in_band() const {
  return loss_ <= band_top(config_.factor, *levels_.loss_level, levels_.loss_mad) &&
         (gradient_in_band() || loss_ <= kLearningLoss * *levels_.loss_level);
}

nlohmann::json Episode::save() const {
  return {{"level", state::write(levels_.level)},
          {"loss_level", state::write(levels_.loss_level)},
          {"norm_mad", state::write(levels_.norm_mad)},
          {"loss_mad", state::write(levels_.loss_mad)},
          {"norm", state::write(norm_)},
          {"loss", state::write(loss_)},
          {"row", row_.save()},
          {"gradient_row", gradient_row_.save()},
          {"plateau", plateau_.save()},
          {"exploded", exploded_},
          {"counted", counted_},
          {"in_band", in_band_}};
}

void Episode::restore(const nlohmann::json& state) {
  levels_.level = state::read_optional(state.at("level"));
  levels_.loss_level = state::read_optional(state.at("loss_level"));
  levels_.norm_mad = state::read_double(state.at("norm_mad"));
  levels_.loss_mad = state::read_double(state.at("loss_mad"));
  norm_ = state::read_double(state.at("norm"));
  loss_ = state::read_double(state.at("loss"));
  row_.restore(state.at("row"));
  gradient_row_.restore(state.at("gradient_row"));
  plateau_.restore(state.at("plateau"));
  exploded_ = state.at("exploded").get<int>();
  counted_ = state.at("counted").get<int>();
  in_band_ = state.at("in_band").get<bool>();
}

}  // namespace gradquake::monitor

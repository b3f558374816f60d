// One run's config, whole: every component's own struct, read from one document, complete and checked.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/config/document.h"
#include "gradquake/data/data_config.h"
#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/measure/curvature_config.h"
#include "gradquake/model/model_config.h"
#include "gradquake/monitor/config.h"
#include "gradquake/run/callback_registry.h"
#include "gradquake/run/ledger_totals.h"
#include "gradquake/train/objective.h"
#include "gradquake/train/optimizer.h"
#include "gradquake/train/regularizer.h"
#include "gradquake/train/rule_reader.h"
#include "gradquake/train/trainer.h"

namespace gradquake::run {

enum class DeviceKind { kCpu, kCuda };
enum class Dtype { kFloat32, kFloat64 };

// run: what the run is and where it goes.
struct RunSection {
  std::string name = "run";
  std::uint64_t seed = 1;
  std::int64_t steps = 2000;           // replaced by epochs where given, once the data is known
  std::optional<std::int64_t> epochs;  // in place of steps
  std::int64_t threads = 1;            // of LibTorch; auto: the cores there are
  DeviceKind device = DeviceKind::kCpu;
  Dtype dtype = Dtype::kFloat32;
  std::string out = "runs";  // the run folder is <out>/<name>
  train::OnNonfinite on_nonfinite = train::OnNonfinite::kStop;
};

struct RunConfig {
  RunSection run;
  data::DataConfig data;
  model::ModelConfig model;
  KindSpec objective;
  train::RegularizerConfig regularizer;
  train::OptimizerConfig optimizer;
  std::vector<train::PlacedRule> rules;
  std::map<std::string, std::string> aliases;  // of a site, the name that its draws are addressed by
  monitor::MonitorConfig monitor;
  std::int64_t shadow_interval = 1;
  measure::CurvatureConfig curvature;
  std::int64_t evaluate_interval = 200;
  std::int64_t checkpoint_interval = 500;
  std::int64_t checkpoint_keep = 2;
  LedgerConfig ledger;
  std::vector<PlacedCallback> callbacks;

  std::string resolved;  // the resolved copy, itself a config of the same run
  std::string digest;    // of everything but the run's length: what a checkpoint is bound to

  std::vector<Rule> plain_rules() const;
  // Something in the run before its end depends on how long the run is: it cannot be prolonged unchanged.
  std::optional<std::string> length_dependence() const;
};

// Reads everything; throws UserError with the place of the first mistake.
GRADQUAKE_EXPORT RunConfig read_run_config(config::Document document);

}  // namespace gradquake::run

template <>
struct gradquake::EnumTexts<gradquake::run::DeviceKind> {
  using DeviceKind = gradquake::run::DeviceKind;
  static constexpr std::array<std::pair<DeviceKind, const char*>, 2> table = {
      {{DeviceKind::kCpu, "cpu"}, {DeviceKind::kCuda, "cuda"}}};
};

template <>
struct gradquake::EnumTexts<gradquake::run::Dtype> {
  using Dtype = gradquake::run::Dtype;
  static constexpr std::array<std::pair<Dtype, const char*>, 2> table = {
      {{Dtype::kFloat32, "float32"}, {Dtype::kFloat64, "float64"}}};
};

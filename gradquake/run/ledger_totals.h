// How much of the ledger a run writes: every injection, or totals per rule, site and direction of every `interval`
// steps. An injection takes about 160 bytes, so a rule at 100 sites in both directions writes 3 GB in 100,000 steps.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::config {
class Reader;
}

namespace gradquake::run {

enum class LedgerDetail { kAuto, kFull, kTotals };  // auto: full, totals where kLedgerLimit is foreseen

}  // namespace gradquake::run

template <>
struct gradquake::EnumTexts<gradquake::run::LedgerDetail> {
  using Detail = gradquake::run::LedgerDetail;
  static constexpr std::array<std::pair<Detail, const char*>, 3> table = {
      {{Detail::kAuto, "auto"}, {Detail::kFull, "full"}, {Detail::kTotals, "totals"}}};
};

namespace gradquake::run {

// ledger: in a config.
struct LedgerConfig {
  LedgerDetail detail = LedgerDetail::kAuto;
  std::int64_t interval = 100;  // steps that one total covers
};

GRADQUAKE_EXPORT LedgerConfig read_ledger(config::Reader reader);

inline constexpr double kLedgerLimit = 1e9;  // bytes

// What every injection of the run would take, in bytes, from the plan's firings and the sites that one batch met.
GRADQUAKE_EXPORT double foreseen_ledger_bytes(const train::Task& task);

// Adds up injections, interval by interval: steps [0, interval), [interval, 2 interval), ...
class GRADQUAKE_EXPORT LedgerTotals {
 public:
  explicit LedgerTotals(std::int64_t interval) : interval_(interval) {}

  // The injections of one step, in order. What it returns is the interval before, where this step begins a new one.
  std::vector<InjectionTotal> add(std::int64_t step, const std::vector<InjectionRecord>& injections);
  std::vector<InjectionTotal> take();  // what is added up so far; nothing is kept

  nlohmann::json save() const;
  void restore(const nlohmann::json& state);

 private:
  std::int64_t interval_;
  std::int64_t first_ = 0;  // step of the interval that is added up
  std::int64_t last_ = -1;  // step seen
  std::map<std::tuple<std::string, std::string, std::string>, InjectionTotal> totals_;  // by rule, site, direction
};

}  // namespace gradquake::run

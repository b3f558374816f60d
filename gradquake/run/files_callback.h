// The record files of a run, the ledger in full or in totals. A checkpoint keeps their lengths, so that a resumed run
// appends exactly where the unbroken one would have.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/report/json_lines.h"
#include "gradquake/run/callback.h"
#include "gradquake/run/ledger_totals.h"

namespace gradquake::run {

class GRADQUAKE_EXPORT FilesCallback : public Callback {
 public:
  // `log`: says so where totals were chosen by themselves; may be empty.
  explicit FilesCallback(LedgerConfig ledger = {}, std::function<void(const std::string&)> log = {})
      : ledger_(ledger), log_(std::move(log)) {}

  void on_start(const RunStart& start) override;
  void on_step(const RunStep& step) override;
  void on_closed(const std::vector<SpikeRecord>& spikes) override;
  void on_evaluation(const EvaluationRecord& record, const train::Task& task) override;
  void on_finish(const train::RunEnd& end) override;
  std::string save() override;
  void restore(const std::string& state) override;

 private:
  report::JsonLines& file(const std::string& name) { return *files_.at(name); }

  void write(const std::vector<InjectionTotal>& totals);

  LedgerConfig ledger_;
  std::function<void(const std::string&)> log_;
  std::optional<LedgerTotals> totals_;  // absent: every injection
  std::filesystem::path folder_;
  std::map<std::string, std::unique_ptr<report::JsonLines>> files_;
};

}  // namespace gradquake::run

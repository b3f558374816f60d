#include "gradquake/run/files_callback.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gradquake/report/record_json.h"
#include "gradquake/run/run_folder.h"

namespace gradquake::run {
namespace {

constexpr const char* kFiles[] = {"steps", "spikes", "predictions", "ledger", "evaluations", "curvature"};

}  // namespace

void FilesCallback::on_start(const RunStart& start) {
  folder_ = start.folder.path;
  if (start.resumed) return;
  const double bytes = ledger_.detail == LedgerDetail::kAuto ? foreseen_ledger_bytes(start.task) : 0;
  if (ledger_.detail == LedgerDetail::kTotals || bytes >= kLedgerLimit) totals_.emplace(ledger_.interval);
  if (bytes >= kLedgerLimit && log_) {
    log_(
        fmt::format("ledger.jsonl would take {:.1f} GB: it holds totals of every {} steps (ledger: {{detail: full}} "
                    "keeps every injection)",
                    bytes / 1e9, ledger_.interval));
  }
  for (const char* name : kFiles)
    files_[name] = std::make_unique<report::JsonLines>(folder_ / (std::string(name) + ".jsonl"), 0);
}

void FilesCallback::restore(const std::string& state) {
  const nlohmann::json saved = nlohmann::json::parse(state);
  const nlohmann::json& lengths = saved.at("lengths");
  totals_.reset();
  if (!saved.at("ledger_totals").is_null()) {
    totals_.emplace(ledger_.interval);
    totals_->restore(saved.at("ledger_totals"));
  }
  for (const char* name : kFiles) {
    files_[name] = std::make_unique<report::JsonLines>(folder_ / (std::string(name) + ".jsonl"),
                                                       lengths.at(name).get<std::uint64_t>());
  }
}

std::string FilesCallback::save() {
  nlohmann::json lengths;
  for (auto& [name, lines] : files_) {
    lines->sync();
    lengths[name] = lines->position();
  }
  return nlohmann::json{{"lengths", std::move(lengths)},
                        {"ledger_totals", totals_ ? totals_->save() : nlohmann::json(nullptr)}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void FilesCallback::on_step(const RunStep& step) {
  if (step.curvature) file("curvature").write(report::to_line(*step.curvature));
  if (step.prediction && step.found.opens_episode) file("predictions").write(report::to_line(*step.prediction));
  if (totals_)
    write(totals_->add(step.record.step, step.record.injections));
  else
    for (const InjectionRecord& injection : step.record.injections) file("ledger").write(report::to_line(injection));
  file("steps").write(report::to_line(report::step_line(step.record, step.found.spike.has_value())));
}

void FilesCallback::on_closed(const std::vector<SpikeRecord>& spikes) {
  for (const SpikeRecord& spike : spikes) file("spikes").write(report::to_line(spike));
}

void FilesCallback::on_evaluation(const EvaluationRecord& record, const train::Task&) {
  file("evaluations").write(report::to_line(record));
}

void FilesCallback::write(const std::vector<InjectionTotal>& totals) {
  for (const InjectionTotal& total : totals) file("ledger").write(report::to_line(total));
}

void FilesCallback::on_finish(const train::RunEnd& end) {
  if (totals_ && !end.interrupted) write(totals_->take());
  for (auto& [name, lines] : files_) lines->sync();
}

}  // namespace gradquake::run

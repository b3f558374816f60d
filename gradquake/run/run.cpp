#include "gradquake/run/run.h"

#include <fmt/format.h>

#include "gradquake/core/replace_file.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/measure/curvature_probe.h"
#include "gradquake/model/model.h"
#include "gradquake/model/weights.h"
#include "gradquake/predict/run_history.h"
#include "gradquake/predict/run_theory.h"
#include "gradquake/report/record_json.h"
#include "gradquake/run/files_callback.h"
#include "gradquake/run/manifest.h"
#include "gradquake/run/run_callbacks.h"
#include "gradquake/run/run_lock.h"
#include "gradquake/train/trainer.h"

namespace gradquake::run {
namespace {

predict::RunFacts facts(const train::Task& task, const measure::MeasuredConstants& measured,
                        const std::string& verdict) {
  predict::RunFacts facts;
  facts.steps = task.steps;
  facts.largest_step_size = task.optimizer.schedule.largest(task.optimizer.learning_rate(), task.steps);
  facts.verdict = verdict;
  facts.constants = measured.constants();
  facts.sizes = measured.injections().sizes();
  facts.zero_mean = measured.injections().zero_mean();
  facts.forward_hits = measured.injections().hits("forward");
  facts.backward_hits = measured.injections().hits("backward");
  return facts;
}

void add_theory(const predict::RunTheory& theory, const RunFolder& folder, const std::vector<SpikeRecord>& spikes,
                report::Summary& summary) {
  summary.conditions = theory.conditions;
  summary.predictions = theory.predictions;
  const auto predictions = report::read_records<SpikePrediction>(folder.file("predictions.jsonl"));
  summary.score = predict::score_run(predictions, spikes, theory);
  summary.findings = theory.findings;
}

report::Summary summarize(const train::Task& task, const RunCallbacks& jobs, const train::RunEnd& end) {
  const monitor::RunVerdict verdict = jobs.verdict();
  report::Summary summary;
  summary.final_loss = end.final_loss;
  summary.eval = jobs.last_evaluation();
  summary.spikes = verdict.spikes;
  summary.episodes = verdict.episodes;
  summary.verdict = verdict.verdict;
  summary.progress_lost = verdict.progress_lost;
  summary.skipped_steps = end.skipped_steps;
  if (summary.skipped_steps > 0) {
    summary.warning_messages.push_back(
        fmt::format("{} of {} steps were skipped: loss or gradient was not finite (run.on_nonfinite)",
                    summary.skipped_steps, end.steps));
  }
  for (const LedgerWarning& warning : task.plan->ledger().warnings())
    summary.warning_messages.push_back(warning.message);
  summary.warnings = static_cast<std::int64_t>(summary.warning_messages.size());
  summary.steps_per_second = end.steps_per_second;
  return summary;
}

RunResult run_from(train::Task& task, const Options& options, const RunFolder& folder,
                   const train::CheckpointSections* checkpoint) {
  if (options.log)
    for (const std::string& note : task.notes) options.log("note: " + note);
  const measure::CurvatureProbe probe(task, options.curvature);
  if (options.log && !probe.obstacle().empty()) options.log("note: no curvature: " + probe.obstacle());
  RunCallbacks jobs(task, folder);
  jobs.watch_spikes(options.monitor);
  jobs.measure_curvature(probe);
  jobs.predict_spikes(probe, options.monitor.recovery);
  jobs.add("files", std::make_shared<FilesCallback>(options.ledger, options.log));
  jobs.add("screen", std::make_shared<ScreenCallback>(options.log_episodes ? options.log : nullptr, options.progress));
  for (const auto& [name, callback] : options.callbacks) jobs.add(name, callback);
  train::TrainerOptions of_loop = options;
  of_loop.checkpoint_folder = folder.checkpoints();
  train::Trainer trainer(std::move(of_loop), task, {&jobs});
  if (checkpoint) trainer.restore(*checkpoint);
  const train::RunEnd end = trainer.run();

  RunResult result;
  result.steps = end.steps;
  result.interrupted = end.interrupted;
  if (end.interrupted) return result;
  result.summary = summarize(task, jobs, end);
  result.spikes = report::read_records<SpikeRecord>(folder.file("spikes.jsonl"));
  const predict::RunTheory theory = predict::run_theory(facts(task, jobs.constants(), result.summary.verdict),
                                                        predict::read_history(folder.file("steps.jsonl"), task.steps));
  add_theory(theory, folder, result.spikes, result.summary);
  if (options.log) {
    for (const std::string& message : result.summary.warning_messages) options.log("warning: " + message);
    for (const theory::Finding& finding : theory.findings) options.log(finding.kind + ": " + finding.message);
  }
  model::save_weights(folder.file("weights.safetensors"), *task.model);
  if (const auto* own = dynamic_cast<const model::Model*>(task.model.get()))
    own->save_beside_weights(folder.path.string());
  write_file("run", folder.file("summary.json"), report::summary_text(result.summary));
  return result;
}

}  // namespace

RunResult run(train::Task& task, const Options& options, const RunFolder& folder) {
  return run_from(task, options, folder, nullptr);
}

RunResult resume(train::Task& task, const Options& options, const RunFolder& folder) {
  for (const auto& path : train::list_checkpoints(folder.checkpoints())) {
    std::string reason;
    if (const auto sections = train::read_checkpoint(path, &reason)) {
      if (options.log) options.log("resuming from " + path.string());
      return run_from(task, options, folder, &*sections);
    }
    if (options.log) options.log(fmt::format("{} is damaged ({}); using the one before", path.string(), reason));
  }
  if (options.log) options.log("no checkpoint: starting at step 0");
  return run_from(task, options, folder, nullptr);
}

RunResult run_in(const std::filesystem::path& path, train::Task& task, const Options& options) {
  const RunFolder folder{path};
  if (!std::filesystem::exists(folder.file("manifest.json"))) {
    create_run_folder(path, manifest_json(task), "", false);
    const RunLock lock(folder);
    return run(task, options, folder);
  }
  const RunLock lock(folder);
  if (!folder.finished()) {
    remove_temporary_files(folder);
    return resume(task, options, folder);
  }
  RunResult result;
  result.summary = report::read_summary(folder.file("summary.json"));
  result.spikes = report::read_records<SpikeRecord>(folder.file("spikes.jsonl"));
  result.steps = static_cast<std::int64_t>(report::read_records<StepLine>(folder.file("steps.jsonl")).size());
  return result;
}

}  // namespace gradquake::run

#include "gradquake/run/run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gradquake/hooks/ledger.h"
#include "gradquake/model/weights.h"
#include "gradquake/predict/run_history.h"
#include "gradquake/predict/run_theory.h"
#include "gradquake/report/read_spikes.h"
#include "gradquake/train/trainer.h"

namespace gradquake::run {
namespace {

train::TrainerOptions trainer_options(const RunConfig& config, const RunFolder& folder, const RunHooks& hooks) {
  train::TrainerOptions options;
  options.name = config.run.name;
  options.on_nonfinite = config.run.on_nonfinite == "skip" ? train::OnNonfinite::kSkip : train::OnNonfinite::kStop;
  options.shadow_interval = config.shadow_interval;
  options.evaluate_interval = config.evaluate_interval;
  options.checkpoint_interval = config.checkpoint_interval;
  options.checkpoint_keep = config.checkpoint_keep;
  options.checkpoint_folder = folder.checkpoints();
  options.config_digest = config.digest;
  options.stop_requested = hooks.stop_requested;
  return options;
}

predict::RunFacts facts(const RunConfig& config, const train::Task& task, const RunObserver& observer,
                        const std::string& verdict) {
  predict::RunFacts facts;
  facts.steps = task.steps;
  facts.largest_step_size =
      config.optimizer.schedule.largest(config.optimizer.learning_rate(), task.steps);
  facts.verdict = verdict;
  facts.constants = observer.constants();
  facts.sizes = observer.injections().sizes();
  facts.zero_mean = observer.injections().zero_mean();
  facts.forward_hits = observer.injections().hits("forward");
  facts.backward_hits = observer.injections().hits("backward");
  return facts;
}

void add_theory(const predict::RunTheory& theory, const RunFolder& folder, const std::vector<SpikeRecord>& spikes,
                report::Summary& summary) {
  summary.conditions = theory.conditions;
  summary.predictions = theory.predictions;
  const auto predictions = predict::read_predictions(folder.file("predictions.jsonl"));
  summary.more.emplace_back("score", predict::score_json(predictions, spikes, theory).dump());
  summary.more.emplace_back("findings", predict::findings_json(theory.findings).dump());
}

std::string messages_json(const std::vector<LedgerWarning>& warnings) {
  nlohmann::json messages = nlohmann::json::array();
  for (const LedgerWarning& warning : warnings) messages.push_back(warning.message);
  return messages.dump();
}

report::Summary summarize(const train::Task& task, const RunObserver& observer, const train::RunEnd& end) {
  const monitor::RunVerdict verdict = observer.verdict();
  report::Summary summary;
  summary.final_loss = end.final_loss;
  summary.eval = observer.last_evaluation();
  summary.spikes = verdict.spikes;
  summary.episodes = verdict.episodes;
  summary.verdict = verdict.verdict;
  summary.progress_lost = verdict.progress_lost;
  const std::vector<LedgerWarning> warnings = task.plan->ledger().warnings();
  summary.warnings = static_cast<std::int64_t>(warnings.size());
  summary.more.emplace_back("warning_messages", messages_json(warnings));
  summary.steps_per_second = end.steps_per_second;
  return summary;
}

RunResult run_from(const RunConfig& config, train::Task& task, const RunFolder& folder, const RunHooks& hooks,
                   const train::CheckpointSections* checkpoint) {
  const measure::CurvatureProbe probe(task, config.curvature);
  RunObserver observer(config, task, folder, probe, hooks);
  train::Trainer trainer(trainer_options(config, folder, hooks), task, {&observer});
  if (checkpoint) trainer.restore(*checkpoint);
  const train::RunEnd end = trainer.run();

  RunResult result;
  result.steps = end.steps;
  result.interrupted = end.interrupted;
  if (end.interrupted) return result;
  result.summary = summarize(task, observer, end);
  result.spikes = report::read_spikes(folder.file("spikes.jsonl"));
  const predict::RunTheory theory = predict::run_theory(facts(config, task, observer, result.summary.verdict),
                                                        predict::read_history(folder.file("steps.jsonl"), task.steps));
  add_theory(theory, folder, result.spikes, result.summary);
  if (hooks.log) {
    for (const LedgerWarning& warning : task.plan->ledger().warnings()) hooks.log("warning: " + warning.message);
    for (const theory::Finding& finding : theory.findings) hooks.log(finding.kind + ": " + finding.message);
  }
  model::save_weights(folder.file("weights.safetensors"), *task.model);
  write_text_atomically(folder.file("summary.json"), report::summary_text(result.summary));
  return result;
}

}  // namespace

RunResult run(const RunConfig& config, train::Task& task, const RunFolder& folder, const RunHooks& hooks) {
  return run_from(config, task, folder, hooks, nullptr);
}

RunResult resume(const RunConfig& config, train::Task& task, const RunFolder& folder, const RunHooks& hooks) {
  for (const auto& path : train::list_checkpoints(folder.checkpoints())) {
    std::string reason;
    if (const auto sections = train::read_checkpoint(path, &reason)) {
      if (hooks.log) hooks.log("resuming from " + path.string());
      return run_from(config, task, folder, hooks, &*sections);
    }
    if (hooks.log) hooks.log(fmt::format("{} is damaged ({}); using the one before", path.string(), reason));
  }
  if (hooks.log) hooks.log("no checkpoint: starting at step 0");
  return run_from(config, task, folder, hooks, nullptr);
}

}  // namespace gradquake::run

#include "gradquake/study/run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gradquake/hooks/ledger.h"
#include "gradquake/model/weights.h"
#include "gradquake/study/read_spikes.h"
#include "gradquake/theory/step_size.h"
#include "gradquake/train/trainer.h"

namespace gradquake::study {
namespace {

train::TrainerOptions trainer_options(const RunConfig& config, const Assembly& parts, const RunFolder& folder,
                                      const RunHooks& hooks) {
  train::TrainerOptions options;
  options.name = config.run.name;
  options.seed = config.run.seed;
  options.steps = parts.steps;
  options.batch_size = config.data.batch_size;
  options.pass = {train::objective_from_name(config.objective), config.data.micro_batch};
  options.regularizer = config.regularizer;
  options.optimizer = config.optimizer;
  options.on_nonfinite = config.run.on_nonfinite == "skip" ? train::OnNonfinite::kSkip : train::OnNonfinite::kStop;
  options.device = at::Device(config.run.device);
  options.shadow_interval = config.shadow_interval;
  options.evaluate_interval = config.evaluate_interval;
  options.checkpoint_interval = config.checkpoint_interval;
  options.checkpoint_keep = config.checkpoint_keep;
  options.checkpoint_folder = folder.checkpoints();
  options.config_digest = config.digest;
  options.stop_requested = hooks.stop_requested;
  return options;
}

// The theorems speak of plain SGD.
std::optional<std::string> beyond_the_theorems(const train::OptimizerConfig& optimizer) {
  if (optimizer.kind != "sgd") return optimizer.kind;
  if (optimizer.momentum > 0) return "momentum";
  if (optimizer.clip_norm) return "clipping";
  return std::nullopt;
}

std::vector<Condition> conditions(const RunConfig& config, const Assembly& parts, const RunObserver& observer) {
  if (!observer.sharpest()) return {};
  const double gamma =
      train::largest_learning_rate(config.optimizer.schedule, config.optimizer.learning_rate, parts.steps);
  const CurvatureRecord& sharpest = *observer.sharpest();
  std::vector<Condition> rows = theory::step_size_conditions(gamma, sharpest.smoothness, sharpest.step);
  if (const auto why = beyond_the_theorems(config.optimizer)) rows = theory::not_stated(std::move(rows), *why);
  return rows;
}

std::string messages_json(const std::vector<LedgerWarning>& warnings) {
  nlohmann::json messages = nlohmann::json::array();
  for (const LedgerWarning& warning : warnings) messages.push_back(warning.message);
  return messages.dump();
}

report::Summary summarize(const RunConfig& config, const Assembly& parts, const RunObserver& observer,
                          const train::RunEnd& end) {
  const monitor::RunVerdict verdict = observer.verdict();
  report::Summary summary;
  summary.final_loss = end.final_loss;
  summary.eval = observer.last_evaluation();
  summary.spikes = verdict.spikes;
  summary.episodes = verdict.episodes;
  summary.verdict = verdict.verdict;
  summary.progress_lost = verdict.progress_lost;
  const std::vector<LedgerWarning> warnings = parts.plan->ledger().warnings();
  summary.warnings = static_cast<std::int64_t>(warnings.size());
  summary.more.emplace_back("warning_messages", messages_json(warnings));
  summary.conditions = conditions(config, parts, observer);
  summary.steps_per_second = end.steps_per_second;
  return summary;
}

RunResult run_from(const RunConfig& config, Assembly& parts, const RunFolder& folder, const RunHooks& hooks,
                   const train::CheckpointSections* checkpoint) {
  const CurvatureProbe probe(config, parts);
  RunObserver observer(config, folder, probe, hooks);
  train::Trainer trainer(trainer_options(config, parts, folder, hooks), *parts.model, parts.data, *parts.plan,
                         {&observer});
  if (checkpoint) trainer.restore(*checkpoint);
  const train::RunEnd end = trainer.run();

  RunResult result;
  result.steps = end.steps;
  result.interrupted = end.interrupted;
  if (end.interrupted) return result;
  result.summary = summarize(config, parts, observer, end);
  if (hooks.log) {
    for (const LedgerWarning& warning : parts.plan->ledger().warnings()) hooks.log("warning: " + warning.message);
  }
  result.spikes = read_spikes(folder.file("spikes.jsonl"));
  model::save_weights(folder.file("weights.pt"), *parts.model);
  write_text_atomically(folder.file("summary.json"), report::summary_text(result.summary));
  return result;
}

}  // namespace

RunResult run(const RunConfig& config, Assembly& parts, const RunFolder& folder, const RunHooks& hooks) {
  return run_from(config, parts, folder, hooks, nullptr);
}

RunResult resume(const RunConfig& config, Assembly& parts, const RunFolder& folder, const RunHooks& hooks) {
  for (const auto& path : train::list_checkpoints(folder.checkpoints())) {
    std::string reason;
    if (const auto sections = train::read_checkpoint(path, &reason)) {
      if (hooks.log) hooks.log("resuming from " + path.string());
      return run_from(config, parts, folder, hooks, &*sections);
    }
    if (hooks.log) hooks.log(fmt::format("{} is damaged ({}); using the one before", path.string(), reason));
  }
  if (hooks.log) hooks.log("no checkpoint: starting at step 0");
  return run_from(config, parts, folder, hooks, nullptr);
}

}  // namespace gradquake::study

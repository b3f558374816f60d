#include "gradquake/predict/score_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "gradquake/core/error.h"
#include "gradquake/predict/run_theory.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::predict {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Comparisons = std::vector<theory::Comparison>;

// What a folder of runs adds up to.
struct Group {
  int runs = 0;
  std::map<std::string, int> verdicts;  // of episodes of one spike
  Comparisons local, displaced, bound;

  void add(const Group& other) {
    runs += other.runs;
    for (const auto& [verdict, count] : other.verdicts) verdicts[verdict] += count;
    local.insert(local.end(), other.local.begin(), other.local.end());
    displaced.insert(displaced.end(), other.displaced.begin(), other.displaced.end());
    bound.insert(bound.end(), other.bound.begin(), other.bound.end());
  }
};

Group read_run(const fs::path& folder) {
  const std::vector<SpikePrediction> predictions = report::read_records<SpikePrediction>(folder / "predictions.jsonl");
  const std::vector<SpikeRecord> spikes = report::read_records<SpikeRecord>(folder / "spikes.jsonl");
  Group run;
  run.runs = 1;
  run.local = compare(predictions, spikes, &SpikePrediction::local);
  run.displaced = compare(predictions, spikes, &SpikePrediction::displaced);
  run.bound = compare(predictions, spikes, &SpikePrediction::bound);
  std::map<std::int64_t, int> of_episode;
  for (const SpikeRecord& spike : spikes) ++of_episode[spike.episode];
  for (const SpikeRecord& spike : spikes)
    if (of_episode[spike.episode] == 1) ++run.verdicts[spike.verdict];
  return run;
}

Group read_group(const std::string& folder) {
  Group group;
  std::vector<fs::path> runs;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().filename() == "predictions.jsonl") runs.push_back(entry.path().parent_path());
  }
  if (runs.empty()) throw UserError("theory", "expected a folder with runs in it, got " + folder);
  std::sort(runs.begin(), runs.end());
  for (const fs::path& run : runs) group.add(read_run(run));
  return group;
}

Json to_json(const Comparisons& comparisons) {
  Comparisons telling;
  int both_zero = 0, close = 0;
  for (const theory::Comparison& one : comparisons) {
    const bool zero = one.predicted == 0.0 && one.observed == 0.0;
    both_zero += zero ? 1 : 0;
    if (zero) continue;
    telling.push_back(one);
    if (!one.predicted || !one.observed) continue;
    const double ratio = (*one.predicted + 1) / (*one.observed + 1);
    close += ratio >= 0.5 && ratio <= 2 ? 1 : 0;
  }
  const theory::Score score = theory::score(telling, true);
  return {{"compared", score.compared},
          {"both_zero", both_zero},
          {"coverage", report::or_null(score.coverage)},
          {"sharpness", report::or_null(score.sharpness)},
          {"within_2x", score.compared > 0 ? Json(static_cast<double>(close) / score.compared) : Json(nullptr)},
          {"noise_floor", score.noise_floor},
          {"without_prediction", score.other_without},
          {"unobserved", score.unobserved}};
}

Json to_json(const std::string& folder, const Group& group) {
  return {{"folder", folder},
          {"runs", group.runs},
          {"spikes", group.local.size()},
          {"verdicts", group.verdicts},
          {"local", to_json(group.local)},
          {"displaced", to_json(group.displaced)},
          {"bound", to_json(group.bound)}};
}

std::string percent(const Json& share) {
  return share.is_null() ? "-" : fmt::format("{:.0f} %", 100 * share.get<double>());
}

std::string row(const Json& group) {
  std::string text = fmt::format("{:<40} {:>4} {:>6}", group["folder"].get<std::string>(), group["runs"].get<int>(),
                                 group["spikes"].get<int>());
  for (const char* kind : {"local", "displaced", "bound"}) {
    const Json& one = group[kind];
    text += fmt::format(" | {:>4} {:>4} {:>6} {:>6} {:>9}", one["both_zero"].get<int>(), one["compared"].get<int>(),
                        percent(one["coverage"]), percent(one["within_2x"]),
                        one["sharpness"].is_null() ? "-" : fmt::format("{:.3g}", one["sharpness"].get<double>()));
  }
  return text + '\n';
}

}  // namespace

Json score_runs(const std::vector<std::string>& folders) {
  Json document;
  document["groups"] = Json::array();
  Group total;
  for (const std::string& folder : folders) {
    const Group group = read_group(folder);
    document["groups"].push_back(to_json(folder, group));
    total.add(group);
  }
  document["total"] = to_json("total", total);
  return document;
}

std::string score_table(const Json& document) {
  std::string text = fmt::format("{:<40} {:>4} {:>6}", "", "runs", "spikes");
  for (const char* kind : {"local", "displaced", "bound"}) text += fmt::format(" | {:<33}", kind);
  text += fmt::format("\n{:<52}", "");
  for (int kind = 0; kind < 3; ++kind)
    text += fmt::format(" | {:>4} {:>4} {:>6} {:>6} {:>9}", "0=0", "n", "cover", "in 2x", "sharpness");
  text += '\n';
  for (const Json& group : document["groups"]) text += row(group);
  return text + row(document["total"]);
}

}  // namespace gradquake::predict

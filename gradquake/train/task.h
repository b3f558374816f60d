// What is trained, and how: a network, its data, its loss, the rules that perturb it. One value that the trainer, the
// measurements and the predictions share; a config becomes one in run/assembly.h.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/data/dataset.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/train/objective.h"
#include "gradquake/train/optimizer.h"
#include "gradquake/train/regularizer.h"

namespace gradquake::model {
class Model;
}  // namespace gradquake::model

namespace gradquake::train {

struct Task {
  std::shared_ptr<model::Model> model;
  std::string model_kind;  // as the config names it
  data::DataSplits data;
  ObjectiveKind objective = ObjectiveKind::kCrossEntropy;
  RegularizerConfig regularizer;
  OptimizerConfig optimizer;
  std::uint64_t seed = 1;
  std::int64_t steps = 2000;
  std::int64_t batch_size = 64;             // samples a step
  std::optional<std::int64_t> micro_batch;  // samples a forward pass; absent: the whole batch
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::vector<SiteInfo> sites;  // as a dry run of one batch met them
  std::unique_ptr<Plan> plan;
};

}  // namespace gradquake::train

// The parts of a run, made from its config: data, model, sites, plan. Everything that can be the caller's mistake is
// found here, before a folder is made.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gradquake/core/export.h"
#include "gradquake/data/dataset.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/site_recorder.h"
#include "gradquake/study/run_config.h"

namespace gradquake::model {
class Model;
}  // namespace gradquake::model

namespace gradquake::study {

struct Assembly {
  data::DataSplits data;
  std::shared_ptr<model::Model> model;
  std::int64_t steps = 0;       // epochs resolved
  std::vector<SiteInfo> sites;  // as a dry run of one batch met them
  std::unique_ptr<Plan> plan;
};

// Sets LibTorch's thread count and the seed of its default generator too. Throws UserError.
GRADQUAKE_EXPORT Assembly assemble(const RunConfig& config);

}  // namespace gradquake::study

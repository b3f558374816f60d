// `gradquake compare`: a run's config, its weights at some steps, and what noise would do to its gradient there.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/comparison.h"
#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/run/run_config.h"

namespace gradquake::compare {

// Which part is asked for; the probe and the budget take the screen with them. All: the budget where the config has
// one.
enum class Part { kAll, kScreen, kProbe, kOutcome, kBudget };

// Where a comparison goes.
struct ResultFolder {
  std::filesystem::path path;
  std::string resolved;  // copy of the config, its config.yaml
};

// `jobs`: processes that work at a time, one thread each (on CUDA one); the result does not depend on their number.
// What is finished is kept in the folder's finished.jsonl, and not done again; the folder is made with the first of it.
// `progress`: a line to show while it works ("step 200: 8 vectors"); empty: none. Throws UserError.
GRADQUAKE_EXPORT Comparison compare(run::RunConfig config, const CompareConfig& asked, Part part, std::int64_t jobs,
                                    const ResultFolder& folder,
                                    const std::function<void(const std::string&)>& progress = {});

// A folder that stands there is written over where it is a comparison's of the same config, else UserError.
GRADQUAKE_EXPORT void expect_own(const ResultFolder& folder);
// compare.json, screen.csv, probe.csv, outcome.csv, budget.csv and map.svg. Equal comparisons give equal bytes.
GRADQUAKE_EXPORT void write_comparison(const ResultFolder& folder, const Comparison& comparison);

}  // namespace gradquake::compare

template <>
struct gradquake::EnumTexts<gradquake::compare::Part> {
  using Part = gradquake::compare::Part;
  static constexpr std::array<std::pair<Part, const char*>, 5> table = {{{Part::kAll, "all"},
                                                                         {Part::kScreen, "screen"},
                                                                         {Part::kProbe, "probe"},
                                                                         {Part::kOutcome, "outcome"},
                                                                         {Part::kBudget, "budget"}}};
};

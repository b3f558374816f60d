// `gradquake compare`: a run's config, its weights at some steps, and what noise would do to its gradient there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/compare/compare_config.h"
#include "gradquake/compare/comparison.h"
#include "gradquake/hooks/export.h"
#include "gradquake/run/run_config.h"

namespace gradquake::compare {

// The screen, and the probe too unless `only_screen`. `progress`: a line to show while it works ("step 200: 8
// vectors"); empty: none. Throws UserError.
GRADQUAKE_EXPORT Comparison compare(const run::RunConfig& config, const CompareConfig& asked, bool only_screen,
                                    const std::function<void(const std::string&)>& progress = {});

// compare.json, screen.csv, probe.csv and map.svg, beside config.yaml, the `resolved` copy of the config. A folder that
// stands there is written over where it is of the same config, else UserError. Equal comparisons give equal bytes.
GRADQUAKE_EXPORT void expect_own_folder(const std::filesystem::path& folder, const std::string& resolved);
GRADQUAKE_EXPORT void write_comparison(const std::filesystem::path& folder, const std::string& resolved,
                                       const Comparison& comparison);

}  // namespace gradquake::compare

// Reads back spikes.jsonl, all but the curvature.
#pragma once

#include <filesystem>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::report {

GRADQUAKE_EXPORT std::vector<SpikeRecord> read_spikes(const std::filesystem::path& path);

}  // namespace gradquake::report

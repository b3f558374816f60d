// Reads back spikes.jsonl, as far as the table at a run's end shows it.
#pragma once

#include <filesystem>
#include <vector>

#include "gradquake/core/records.h"

namespace gradquake::study {

std::vector<SpikeRecord> read_spikes(const std::filesystem::path& path);

}  // namespace gradquake::study

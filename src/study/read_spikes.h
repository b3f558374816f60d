// Reads back the first lines of spikes.jsonl, as far as a table at the run's end shows them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "gradquake/core/records.h"

namespace gradquake::study {

std::vector<SpikeRecord> read_spikes(const std::filesystem::path& path, std::size_t limit);

}  // namespace gradquake::study

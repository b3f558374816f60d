// Work in several processes at once: each item is done by one of them, and comes back as text.
//
//   share_out(items, jobs, [&](std::size_t item) { return line_of(train(item)); },
//             [&](std::size_t item, const std::string& line) { keep(item, line); });
//
// Processes and not threads, because LibTorch's default generator, its thread count and the scopes of hooks belong to
// a process or a thread. They are forks: what the caller has loaded is there, and not copied. Whoever calls must have
// run LibTorch with one thread so far, for its pool does not survive a fork; nor does CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"

namespace gradquake::run {

// Each item once, in this order as far as there are free hands; `done` is called by the caller's process as results
// come. One job, or one item: no fork. What an item throws as UserError is thrown here; anything else, or a process
// that dies, as std::runtime_error. No process outlives the call, nor its caller if that is killed.
GRADQUAKE_EXPORT void share_out(const std::vector<std::size_t>& items, std::int64_t jobs,
                                const std::function<std::string(std::size_t item)>& work,
                                const std::function<void(std::size_t item, const std::string& result)>& done);

}  // namespace gradquake::run

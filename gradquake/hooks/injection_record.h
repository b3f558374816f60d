// One injection as it was made: what the ledger hands out, and a line of ledger.jsonl. Plain, without torch.
#pragma once

#include <cstdint>
#include <string>

namespace gradquake {

// Norms are Euclidean, accumulated in float64; either may be inf or nan where the tensor is.
struct InjectionRecord {
  std::int64_t step = 0;
  std::string rule;             // label
  std::string site;             // e.g. "layers.2"
  std::string direction;        // "forward" | "backward"
  std::int64_t occurrence = 0;  // of the site, within its scope
  std::int64_t elements = 0;
  double norm = 0;           // ||added tensor||, for eps times loss_divisor (so: per sample)
  double relative_norm = 0;  // ||added|| / ||tensor||, the tensor before any rule
};

}  // namespace gradquake

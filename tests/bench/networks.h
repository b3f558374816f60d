// The networks that are timed, and their batches. Each is a chain of stages; where tapped, a site lies behind every
// stage.
//
//   mlp          256-512x5-10, relu, batch 64                                     6 sites
//   cnn          conv 3x3 32-32-64-64, two batch-norms, input 3x32x32, batch 32   5 sites
//   transformer  d 128, 4 heads, feed-forward 256, 3 layers, 32 tokens, batch 32  5 sites
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gradquake/model/model.h"

namespace gradquake::bench {

// Weights depend on the name alone. `name`: mlp | cnn | transformer.
std::shared_ptr<model::Model> make_network(const std::string& name, bool tapped);

struct Samples {
  at::Tensor input, target;  // [rows, sample...]; classes [rows]
};
Samples make_samples(const std::string& name, std::int64_t rows);

std::int64_t batch_size(const std::string& name);

}  // namespace gradquake::bench

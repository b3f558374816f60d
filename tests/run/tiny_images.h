// A registered data kind of the tests' own, as a user's program adds one: images small enough for a quick CNN.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <mutex>

#include "gradquake/data/registry.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::run {

// `data: {kind: tiny_images, rows: 96}`: noisy 1 x 8 x 8 images of 3 classes, told apart by the quadrant that is lit.
inline void register_tiny_images() {
  static std::once_flag once;
  std::call_once(once, [] {
    data::datasets().add(
        {"tiny_images", "told apart by the quadrant that is lit", {Parameter::integer("rows", "how many").at_least(1)}},
        [](const data::DatasetRequest& request) {
          const auto rows = request.spec.integer("rows");
          const at::Tensor classes = at::arange(rows, at::kLong).remainder(3);
          at::Tensor images = at::sin(at::arange(rows * 64, at::kDouble).square()).view({rows, 1, 8, 8});
          for (std::int64_t i = 0; i < rows; ++i) {
            const std::int64_t c = i % 3;
            images[i][0].slice(0, 4 * (c / 2), 4 * (c / 2) + 4).slice(1, 4 * (c % 2), 4 * (c % 2) + 4) += 1;
          }
          const auto set = std::make_shared<data::TensorDataset>(images, classes, 3, request.dtype);
          return data::DataSplits{set, set};
        });
  });
}

inline const char kTinyCnn[] =
    "data: {kind: tiny_images, rows: 96, batch_size: 16}\n"
    "model: {kind: cnn, blocks: [{channels: 4, batch_norm: true, pool: true}, {channels: 6, batch_norm: true}]}\n";

}  // namespace gradquake::run

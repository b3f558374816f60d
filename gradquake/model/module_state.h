// What a pass changes beside the weights, kept and put back: a module's buffers, and the default CPU generator, from
// which modules draw their first weights and torch's dropout its masks.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"

namespace torch::nn {
class Module;
}

namespace gradquake::model {

// The buffers (batch-norm's running statistics and counters) as they were, bit for bit. One inf activation leaves
// running statistics inf and nan for good.
class GRADQUAKE_EXPORT BufferSnapshot {
 public:
  explicit BufferSnapshot(const torch::nn::Module& module);
  // A graph that training still holds does not see it.
  void restore() const;

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> buffers_;  // buffer, its copy
};

// Where the generator stands.
class GRADQUAKE_EXPORT GeneratorSnapshot {
 public:
  GeneratorSnapshot();                                   // as it stands
  explicit GeneratorSnapshot(const std::string& bytes);  // as bytes() wrote it
  void restore() const;
  std::string bytes() const;

 private:
  at::Tensor state_;
};

// The generator seeded, and put back where it stood at the end of the scope.
class GRADQUAKE_EXPORT SeededGenerator {
 public:
  explicit SeededGenerator(std::uint64_t seed);
  ~SeededGenerator();
  SeededGenerator(const SeededGenerator&) = delete;
  SeededGenerator& operator=(const SeededGenerator&) = delete;

 private:
  GeneratorSnapshot outer_;
};

GRADQUAKE_EXPORT void seed_generator(std::uint64_t seed);

// Moves the module to the device, and what it holds of a floating dtype to `dtype`; Module::to would make counters and
// indices floating too.
GRADQUAKE_EXPORT void convert(torch::nn::Module& module, at::Device device, at::ScalarType dtype);

}  // namespace gradquake::model

#include "gradquake/model/module_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <torch/nn/module.h>

#include <cstring>
#include <mutex>

namespace gradquake::model {

BufferSnapshot::BufferSnapshot(const torch::nn::Module& module) {
  for (const at::Tensor& buffer : module.buffers())
    if (buffer.defined()) buffers_.emplace_back(buffer, buffer.detach().clone());
}

void BufferSnapshot::restore() const {
  for (const auto& [buffer, copy] : buffers_) buffer.variable_data().copy_(copy);
}

GeneratorSnapshot::GeneratorSnapshot() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  state_ = generator.get_state();
}

GeneratorSnapshot::GeneratorSnapshot(const std::string& bytes)
    : state_(at::empty({static_cast<std::int64_t>(bytes.size())}, at::kByte)) {
  std::memcpy(state_.mutable_data_ptr(), bytes.data(), bytes.size());
}

void GeneratorSnapshot::restore() const {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state_);
}

std::string GeneratorSnapshot::bytes() const {
  return {static_cast<const char*>(state_.const_data_ptr()), state_.nbytes()};
}

SeededGenerator::SeededGenerator(std::uint64_t seed) { seed_generator(seed); }
SeededGenerator::~SeededGenerator() { outer_.restore(); }

void seed_generator(std::uint64_t seed) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(seed);
}

void convert(torch::nn::Module& module, at::Device device, at::ScalarType dtype) {
  const auto each = [&](const std::vector<at::Tensor>& tensors) {
    for (const at::Tensor& tensor : tensors)
      if (tensor.defined())
        tensor.set_data(tensor.to(device, tensor.is_floating_point() ? dtype : tensor.scalar_type()));
  };
  each(module.parameters());
  each(module.buffers());
}

}  // namespace gradquake::model

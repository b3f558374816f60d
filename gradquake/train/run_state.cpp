#include "gradquake/train/run_state.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/serialize.h>

#include <cstring>
#include <mutex>
#include <sstream>

#include "gradquake/model/model.h"

namespace gradquake::train {
namespace {

std::string generator_state() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  const at::Tensor state = generator.get_state();
  return {static_cast<const char*>(state.const_data_ptr()), state.nbytes()};
}

void set_generator_state(const std::string& bytes) {
  at::Tensor state = at::empty({static_cast<std::int64_t>(bytes.size())}, at::kByte);
  std::memcpy(state.mutable_data_ptr(), bytes.data(), bytes.size());
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
}

template <class T>
std::string archived(const T& value) {
  torch::serialize::OutputArchive archive;
  value.save(archive);
  std::ostringstream stream;
  archive.save_to(stream);
  return std::move(stream).str();
}

template <class T>
void unarchive(const std::string& bytes, T& value) {
  std::istringstream stream(bytes);
  torch::serialize::InputArchive archive;
  archive.load_from(stream);
  value.load(archive);
}

}  // namespace

CheckpointSections save_state(const model::Model& model, const Optimizer& optimizer) {
  return {{"model", archived(model)}, {"optimizer", archived(optimizer)}, {"generator", generator_state()}};
}

void restore_state(const CheckpointSections& sections, model::Model& model, Optimizer& optimizer) {
  unarchive(sections.at("model"), model);
  unarchive(sections.at("optimizer"), optimizer);
  set_generator_state(sections.at("generator"));
}

BufferSnapshot::BufferSnapshot(const model::Model& model, bool take) {
  if (!take) return;
  for (const at::Tensor& buffer : model.buffers()) buffers_.emplace_back(buffer, buffer.clone());
}

void BufferSnapshot::restore() const {
  const at::NoGradGuard no_grad;
  for (const auto& [buffer, copy] : buffers_) buffer.copy_(copy);
}

}  // namespace gradquake::train

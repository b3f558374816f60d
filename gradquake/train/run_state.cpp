#include "gradquake/train/run_state.h"

#include <torch/nn/module.h>
#include <torch/serialize.h>

#include <sstream>

#include "gradquake/model/module_state.h"

namespace gradquake::train {
namespace {

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

CheckpointSections save_state(const torch::nn::Module& model, const Optimizer& optimizer) {
  return {{"model", archived(model)},
          {"optimizer", archived(optimizer)},
          {"generator", model::GeneratorSnapshot().bytes()}};
}

void restore_state(const CheckpointSections& sections, torch::nn::Module& model, Optimizer& optimizer) {
  unarchive(sections.at("model"), model);
  unarchive(sections.at("optimizer"), optimizer);
  model::GeneratorSnapshot(sections.at("generator")).restore();
}

}  // namespace gradquake::train

// Networks of exported/networks.py, as the tests of exported models load them.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exported_files.h"
#include "gradquake/model/exported/exported_model.h"

namespace gradquake::model::exported {

// A network, and an input of five rows for it.
struct Case {
  const char* name;
  std::vector<std::int64_t> input;
  std::optional<std::string> output;

  std::shared_ptr<ExportedModel> load(DropoutMasks dropout = DropoutMasks::kTorch) const {
    return load_exported(exported_file(name), output, dropout);
  }
  at::Tensor rows() const {
    at::manual_seed(11);
    return at::randn(input);
  }
};

inline const Case kMlp{"mlp", {5, 6}, std::nullopt};
inline const Case kImages{"images", {5, 3, 8, 8}, std::nullopt};
inline const Case kShared{"shared", {5, 4, 6}, "logits"};
inline const Case kCases[] = {kMlp, kImages, kShared};

// The mlp by hand, behind fc1: relu, the dropout given, fc2.
struct MlpWeights {
  explicit MlpWeights(const ExportedModel& model) {
    const auto held = model.named_parameters();
    w1 = held["fc1.weight"], b1 = held["fc1.bias"], w2 = held["fc2.weight"], b2 = held["fc2.bias"];
  }
  at::Tensor hidden(const at::Tensor& input) const { return at::linear(input, w1, b1); }
  at::Tensor rest(const at::Tensor& from_fc1) const { return at::linear(at::relu(from_fc1), w2, b2); }

  at::Tensor w1, b1, w2, b2;
};

}  // namespace gradquake::model::exported

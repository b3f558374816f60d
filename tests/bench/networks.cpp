#include "networks.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>
#include <utility>
#include <vector>

#include "gradquake/hooks/tap.h"

namespace gradquake::bench {
namespace {

namespace nn = torch::nn;

constexpr std::int64_t kClasses = 10, kTokens = 32, kVocabulary = 1000, kWidth = 128;

struct Stage : nn::Module {
  virtual at::Tensor forward(const at::Tensor& x) = 0;
};

struct Dense : Stage {
  Dense(std::int64_t in, std::int64_t out, bool activated)
      : linear(register_module("linear", nn::Linear(in, out))), relu(activated) {}
  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor y = linear->forward(x.flatten(1));
    return relu ? at::relu(y) : y;
  }
  nn::Linear linear;
  bool relu;
};

struct ConvBlock : Stage {
  ConvBlock(std::int64_t in, std::int64_t out, bool normed, bool pooled)
      : conv(register_module("conv", nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)))), pool(pooled) {
    if (normed) norm = register_module("norm", nn::BatchNorm2d(out));
  }
  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = conv->forward(x);
    if (norm) y = norm->forward(y);
    y = at::relu(y);
    return pool ? at::max_pool2d(y, 2) : y;
  }
  nn::Conv2d conv;
  nn::BatchNorm2d norm{nullptr};
  bool pool;
};

struct Embed : Stage {
  Embed()
      : table(register_module("table", nn::Embedding(kVocabulary, kWidth))),
        position(register_parameter("position", 0.02 * at::randn({kTokens, kWidth}))) {}
  at::Tensor forward(const at::Tensor& x) override { return table->forward(x) + position; }
  nn::Embedding table;
  at::Tensor position;
};

struct Attention : Stage {
  at::Tensor forward(const at::Tensor& x) override {
    const std::int64_t batch = x.size(0), head_width = kWidth / kHeads;
    const at::Tensor qkv =
        project->forward(norm1->forward(x)).view({batch, kTokens, 3, kHeads, head_width}).permute({2, 0, 3, 1, 4});
    const at::Tensor scores = at::matmul(qkv[0], qkv[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(head_width));
    const at::Tensor mixed = at::matmul(at::softmax(scores, -1), qkv[2]);
    const at::Tensor y = x + merge->forward(mixed.transpose(1, 2).reshape({batch, kTokens, kWidth}));
    return y + shrink->forward(at::gelu(widen->forward(norm2->forward(y))));
  }
  static constexpr std::int64_t kHeads = 4, kFeedForward = 256;
  nn::Linear project = register_module("project", nn::Linear(kWidth, 3 * kWidth));
  nn::Linear merge = register_module("merge", nn::Linear(kWidth, kWidth));
  nn::Linear widen = register_module("widen", nn::Linear(kWidth, kFeedForward));
  nn::Linear shrink = register_module("shrink", nn::Linear(kFeedForward, kWidth));
  nn::LayerNorm norm1 = register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({kWidth})));
  nn::LayerNorm norm2 = register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({kWidth})));
};

struct MeanPool : Stage {
  at::Tensor forward(const at::Tensor& x) override { return linear->forward(x.mean(1)); }
  nn::Linear linear = register_module("linear", nn::Linear(kWidth, kClasses));
};

class Network : public model::Model {
 public:
  explicit Network(bool tapped) : tapped_(tapped) {}

  void add(const std::string& name, std::shared_ptr<Stage> stage) {
    register_module(name, stage);
    stages_.emplace_back(name, std::move(stage));
  }

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor x = input;
    for (auto& [name, stage] : stages_) {
      x = stage->forward(x);
      if (tapped_) x = tap(name, std::move(x));
    }
    return x;
  }

 private:
  bool tapped_;
  std::vector<std::pair<std::string, std::shared_ptr<Stage>>> stages_;
};

}  // namespace

std::shared_ptr<model::Model> make_network(const std::string& name, bool tapped) {
  at::manual_seed(0);
  auto network = std::make_shared<Network>(tapped);
  if (name == "mlp") {
    constexpr std::int64_t kHidden = 512;
    for (int i = 0; i < 5; ++i) {
      network->add("fc" + std::to_string(i), std::make_shared<Dense>(i == 0 ? 256 : kHidden, kHidden, true));
    }
    network->add("fc5", std::make_shared<Dense>(kHidden, kClasses, false));
  } else if (name == "cnn") {
    network->add("conv0", std::make_shared<ConvBlock>(3, 32, true, false));
    network->add("conv1", std::make_shared<ConvBlock>(32, 32, false, true));
    network->add("conv2", std::make_shared<ConvBlock>(32, 64, true, true));
    network->add("conv3", std::make_shared<ConvBlock>(64, 64, false, true));
    network->add("head", std::make_shared<Dense>(1024, kClasses, false));
  } else {
    network->add("embed", std::make_shared<Embed>());
    for (int i = 0; i < 3; ++i) network->add("block" + std::to_string(i), std::make_shared<Attention>());
    network->add("pool", std::make_shared<MeanPool>());
  }
  return network;
}

Samples make_samples(const std::string& name, std::int64_t rows) {
  at::manual_seed(1);
  const at::Tensor target = at::randint(kClasses, {rows}, at::kLong);
  if (name == "mlp") return {at::randn({rows, 256}), target};
  if (name == "cnn") return {at::randn({rows, 3, 32, 32}), target};
  return {at::randint(kVocabulary, {rows, kTokens}, at::kLong), target};
}

std::int64_t batch_size(const std::string& name) { return name == "mlp" ? 64 : 32; }

}  // namespace gradquake::bench

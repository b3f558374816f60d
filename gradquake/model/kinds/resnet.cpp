#include <ATen/Functions.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/model.h"

namespace gradquake::model::kinds {
namespace {

torch::nn::Conv2d unbiased_conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  torch::nn::Conv2d conv(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding((kernel - 1) / 2).bias(false));
  torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut, torch::kReLU);
  return conv;
}

// relu(bn2(conv2(relu(bn1(conv1 x)))) + shortcut x).
class ResidualBlock : public torch::nn::Module {
 public:
  ResidualBlock(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1_site_(name + ".conv1"), conv2_site_(name + ".conv2"), branch_(name + ".bn2"), output_(name) {
    conv1_ = register_module("conv1", unbiased_conv(in, out, 3, stride));
    bn1_ = register_module("bn1", torch::nn::BatchNorm2d(out));
    conv2_ = register_module("conv2", unbiased_conv(out, out, 3, 1));
    bn2_ = register_module("bn2", torch::nn::BatchNorm2d(out));
    if (in != out)
      downsample_ = register_module(
          "downsample", torch::nn::Sequential(unbiased_conv(in, out, 1, stride), torch::nn::BatchNorm2d(out)));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor hidden = at::relu(bn1_->forward(tap_around(conv1_site_, conv1_, x)));
    const at::Tensor branch = tap(branch_, bn2_->forward(tap_around(conv2_site_, conv2_, hidden)));
    return tap(output_, at::relu(branch + (downsample_ ? downsample_->forward(x) : x)));
  }

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr};
  torch::nn::Sequential downsample_{nullptr};
  Site conv1_site_, conv2_site_;  // of what they read and keep
  Site branch_, output_;
};

class Resnet : public Model {
 public:
  Resnet(std::int64_t depth, std::int64_t width, std::int64_t channels, std::int64_t outputs) {
    conv1_ = register_module("conv1", unbiased_conv(channels, width, 3, 1));
    bn1_ = register_module("bn1", torch::nn::BatchNorm2d(width));
    std::int64_t in = width;
    for (const std::int64_t stage : {1, 2, 3}) {
      const std::string name = "layer" + std::to_string(stage);
      const std::int64_t out = width << (stage - 1);
      torch::nn::Sequential blocks;
      for (std::int64_t i = 0; i < (depth - 2) / 6; ++i) {
        const std::int64_t stride = in == out ? 1 : 2;
        blocks_.push_back(std::make_shared<ResidualBlock>(name + "." + std::to_string(i), in, out, stride));
        blocks->push_back(blocks_.back());
        in = out;
      }
      register_module(name, blocks);
    }
    fc_ = register_module("fc", torch::nn::Linear(in, outputs));
  }

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor y = tap(stem_site_, at::relu(bn1_->forward(tap_around(conv1_site_, conv1_, input))));
    for (const auto& block : blocks_) y = block->forward(y);
    return tap_operator(fc_site_, *fc_, y, [&](const at::Tensor& x) { return fc_->forward(x.mean({2, 3})); });
  }

 private:
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  torch::nn::Linear fc_{nullptr};
  Site conv1_site_{"conv1"}, stem_site_{"relu"}, fc_site_{"fc"};
};

std::shared_ptr<Model> make_resnet(const KindSpec& spec, const ModelInput& input) {
  expect_images("resnet", input);
  const std::int64_t width = spec.integer("width");
  expect_weight_size("resnet", 4 * width * 9, 4 * width);
  expect_weight_size("resnet", width * 9, input.sample[0]);
  expect_weight_size("resnet", output_features(input), 4 * width);
  return std::make_shared<Resnet>(spec.integer("depth"), width, input.sample[0], output_features(input));
}

}  // namespace

ModelKind resnet() {
  return {{.name = "resnet",
           .summary = "residual network for small images (He et al. 2016, section 4.2), modules named as torchvision's",
           .parameters = {Parameter::integer("depth", "layers with weights, 6n + 2: n blocks at each of three sizes")
                              .between(8, 1202)
                              .by_default(20),
                          Parameter::integer("width", "channels of the first stage; each other has twice as many")
                              .between(1, 1 << 12)
                              .by_default(16)},
           .check = [](const KindSpec& spec) -> std::optional<KindProblem> {
             const std::int64_t depth = spec.integer("depth");
             if (depth % 6 == 2) return std::nullopt;
             return KindProblem{"depth", "expected 6n + 2 (20, 32, 44, 56, ...), got " + std::to_string(depth)};
           }},
          make_resnet};
}

}  // namespace gradquake::model::kinds

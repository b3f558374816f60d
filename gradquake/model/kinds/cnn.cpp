#include <ATen/Functions.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/model.h"

namespace gradquake::model::kinds {
namespace {

struct CnnBlock {
  explicit CnnBlock(const KindSpec& spec)
      : channels(spec.integer("channels")), batch_norm(spec.flag("batch_norm")), pool(spec.flag("pool")) {}
  std::int64_t channels;
  bool batch_norm;
  bool pool;  // halves height and width
};

class Block : public torch::nn::Module {
 public:
  Block(std::int64_t channels_in, const CnnBlock& options) : pool_(options.pool) {
    const auto conv = torch::nn::Conv2dOptions(channels_in, options.channels, 3).padding(1).bias(!options.batch_norm);
    conv_ = register_module("conv", torch::nn::Conv2d(conv));
    if (options.batch_norm) norm_ = register_module("norm", torch::nn::BatchNorm2d(options.channels));
  }

  at::Tensor forward(const at::Tensor& input) {
    at::Tensor y = conv_->forward(input);
    if (norm_) y = norm_->forward(y);
    y = at::relu(y);
    return pool_ ? at::max_pool2d(y, 2) : y;
  }

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
  bool pool_;
};

class Cnn : public Model {
 public:
  // `sample`: [channels, rows, columns] of the input.
  Cnn(const std::vector<KindSpec>& blocks, std::vector<std::int64_t> sample, std::int64_t outputs) {
    auto list = register_module("blocks", torch::nn::ModuleList());
    for (const KindSpec& spec : blocks) {
      const CnnBlock options(spec);
      expect_weight_size("cnn", options.channels * 9, sample[0]);
      if (options.pool && (sample[1] < 2 || sample[2] < 2))
        throw UserError("model", "cnn: expected at most as many pools as the image can be halved, got one of a " +
                                     std::to_string(sample[1]) + " x " + std::to_string(sample[2]) +
                                     " image in block " + std::to_string(blocks_.size()));
      blocks_.push_back(
          {std::make_shared<Block>(sample[0], options), Site("blocks." + std::to_string(blocks_.size()))});
      list->push_back(blocks_.back().block);
      const std::int64_t shrink = options.pool ? 2 : 1;
      sample = {options.channels, sample[1] / shrink, sample[2] / shrink};
    }
    const std::int64_t features = sample[0] * sample[1] * sample[2];
    expect_weight_size("cnn", outputs, features);
    head_ = register_module("head", torch::nn::Linear(features, outputs));
  }

  at::Tensor forward(const at::Tensor& input) override {
    at::Tensor y = input;
    for (auto& [block, site] : blocks_) y = tap_operator(site, block, y);
    return tap_operator(head_site_, *head_, y, [&](const at::Tensor& x) { return head_->forward(x.flatten(1)); });
  }

 private:
  struct SitedBlock {
    std::shared_ptr<Block> block;
    Site site;
  };
  std::vector<SitedBlock> blocks_;
  torch::nn::Linear head_{nullptr};
  Site head_site_{"head"};
};

std::shared_ptr<Model> make_cnn(const KindSpec& spec, const ModelInput& input) {
  expect_images("cnn", input);
  return std::make_shared<Cnn>(spec.mappings("blocks"), input.sample, output_features(input));
}

}  // namespace

ModelKind cnn() {
  return {{.name = "cnn",
           .summary = "blocks of convolution, batch-norm, relu and pooling, then a linear map",
           .parameters = {Parameter::mappings(
               "blocks",
               {Parameter::integer("channels", "output channels").between(1, 1 << 16).by_default(16),
                Parameter::flag("batch_norm", "batch-norm behind the convolution").by_default(false),
                Parameter::flag("pool", "2x2 max pool, which halves height and width").by_default(false)},
               "the blocks in order, at least one")},
           .check = [](const KindSpec& spec) -> std::optional<KindProblem> {
             if (!spec.mappings("blocks").empty()) return std::nullopt;
             return KindProblem{"blocks", "expected at least one block, got none"};
           }},
          make_cnn};
}

}  // namespace gradquake::model::kinds

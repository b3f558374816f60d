#include <ATen/Functions.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "gradquake/core/error.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/tap.h"
#include "gradquake/model/dropped_site.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/model.h"
#include "gradquake/model/tokens.h"

namespace gradquake::model::kinds {
namespace {

constexpr double kDeviation = 0.02;  // of first weights

torch::nn::Linear small_linear(std::int64_t in, std::int64_t out) {
  torch::nn::Linear linear(in, out);
  torch::nn::init::normal_(linear->weight, 0, kDeviation);
  torch::nn::init::zeros_(linear->bias);
  return linear;
}

torch::nn::Embedding small_embedding(std::int64_t rows, std::int64_t width) {
  torch::nn::Embedding embedding(rows, width);
  torch::nn::init::normal_(embedding->weight, 0, kDeviation);
  return embedding;
}

torch::nn::LayerNorm layer_norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}));
}

class TokenAndPosition : public torch::nn::Module {
 public:
  TokenAndPosition(std::int64_t vocabulary, std::int64_t context, std::int64_t width) {
    token_ = register_module("token", small_embedding(vocabulary, width));
    position_ = register_module("position", small_embedding(context, width));
  }
  at::Tensor forward(const at::Tensor& tokens) {
    return token_->forward(tokens) + position_->weight.narrow(0, 0, tokens.size(1));
  }

 private:
  torch::nn::Embedding token_{nullptr}, position_{nullptr};
};

class CausalAttention : public torch::nn::Module {
 public:
  CausalAttention(std::int64_t width, std::int64_t heads) : heads_(heads) {
    qkv_ = register_module("qkv", small_linear(width, 3 * width));
    proj_ = register_module("proj", small_linear(width, width));
  }
  at::Tensor forward(const at::Tensor& x) {
    const std::int64_t rows = x.size(0), length = x.size(1), width = x.size(2);
    const at::Tensor parts =  // query, key and value [rows, heads, length, width of a head]
        qkv_->forward(x).view({rows, length, 3, heads_, width / heads_}).permute({2, 0, 3, 1, 4});
    const at::Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0, /*is_causal=*/true);
    return proj_->forward(mixed.transpose(1, 2).reshape({rows, length, width}));
  }

 private:
  std::int64_t heads_;
  torch::nn::Linear qkv_{nullptr}, proj_{nullptr};
};

class FeedForward : public torch::nn::Module {
 public:
  FeedForward(std::int64_t width, std::int64_t hidden) {
    fc1_ = register_module("fc1", small_linear(width, hidden));
    fc2_ = register_module("fc2", small_linear(hidden, width));
  }
  at::Tensor forward(const at::Tensor& x) { return fc2_->forward(at::gelu(fc1_->forward(x))); }

 private:
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
};

struct DecoderSizes {
  std::int64_t heads, width, feed_forward;
  double dropout;
};

// y = x + attention(norm1 x), y + mlp(norm2 y).
class DecoderBlock : public torch::nn::Module {
 public:
  DecoderBlock(const std::string& name, const DecoderSizes& sizes)
      : attention_site_{Site(name + ".attention"), sizes.dropout},
        mlp_site_{Site(name + ".mlp"), sizes.dropout},
        stream_site_(name),
        norm1_site_(name + ".norm1"),
        norm2_site_(name + ".norm2") {
    norm1_ = register_module("norm1", layer_norm(sizes.width));
    attention_ = register_module("attention", std::make_shared<CausalAttention>(sizes.width, sizes.heads));
    norm2_ = register_module("norm2", layer_norm(sizes.width));
    mlp_ = register_module("mlp", std::make_shared<FeedForward>(sizes.width, sizes.feed_forward));
  }
  at::Tensor forward(const at::Tensor& x) {
    const auto attend = [&](const at::Tensor& own) { return attention_->forward(own); };
    const auto feed_forward = [&](const at::Tensor& own) { return mlp_->forward(own); };
    const at::Tensor y = x + attention_site_(*attention_, tap_around(norm1_site_, norm1_, x), is_training(), attend);
    return tap(stream_site_, y + mlp_site_(*mlp_, tap_around(norm2_site_, norm2_, y), is_training(), feed_forward));
  }

 private:
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  std::shared_ptr<CausalAttention> attention_;
  std::shared_ptr<FeedForward> mlp_;
  DroppedSite attention_site_, mlp_site_;
  Site stream_site_;
  Site norm1_site_, norm2_site_;  // of what they read and keep: the branch alone, not the stream
};

class Transformer : public Model {
 public:
  Transformer(std::int64_t layers, const DecoderSizes& sizes, std::int64_t vocabulary, std::int64_t context)
      : context_(context), embedding_site_{Site("embedding"), sizes.dropout} {
    embedding_ = register_module("embedding", std::make_shared<TokenAndPosition>(vocabulary, context, sizes.width));
    auto list = register_module("blocks", torch::nn::ModuleList());
    for (std::int64_t i = 0; i < layers; ++i) {
      blocks_.push_back(std::make_shared<DecoderBlock>("blocks." + std::to_string(i), sizes));
      list->push_back(blocks_.back());
    }
    norm_ = register_module("norm", layer_norm(sizes.width));
    head_ = register_module("head", small_linear(sizes.width, vocabulary));
  }

  at::Tensor forward(const at::Tensor& tokens) override {
    expect_tokens("transformer", tokens, context_);
    at::Tensor x = embedding_site_(*embedding_, tokens, is_training(),
                                   [&](const at::Tensor& own) { return embedding_->forward(own); });
    for (const auto& block : blocks_) x = block->forward(x);
    return tap_operator(head_site_, head_, tap_operator(norm_site_, norm_, x));
  }

 private:
  std::int64_t context_;
  std::shared_ptr<TokenAndPosition> embedding_;
  std::vector<std::shared_ptr<DecoderBlock>> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear head_{nullptr};
  DroppedSite embedding_site_;
  Site norm_site_{"norm"}, head_site_{"head"};
};

std::shared_ptr<Model> make_transformer(const KindSpec& spec, const ModelInput& input) {
  expect_sequences("transformer", input);
  const std::int64_t length = input.sample[0], context = spec.optional_integer("context").value_or(length);
  if (context < length)
    throw UserError("model", "transformer: expected a context of at least the data's " + std::to_string(length) +
                                 " tokens, got " + std::to_string(context));
  const std::int64_t width = spec.integer("width");
  const DecoderSizes sizes{.heads = spec.integer("heads"),
                           .width = width,
                           .feed_forward = spec.optional_integer("feed_forward").value_or(4 * width),
                           .dropout = spec.number("dropout")};
  for (const std::int64_t rows : {3 * width, sizes.feed_forward, context, input.classes})
    expect_weight_size("transformer", rows, width);
  return std::make_shared<Transformer>(spec.integer("layers"), sizes, input.classes, context);
}

}  // namespace

ModelKind transformer() {
  return {
      {.name = "transformer",
       .summary = "decoder on tokens: causal attention and a hidden layer in each block, each behind a layer-norm",
       .parameters = {Parameter::integer("layers", "blocks").between(1, 1000).by_default(4),
                      Parameter::integer("heads", "of attention, a divisor of width").between(1, 1 << 14).by_default(4),
                      Parameter::integer("width", "features of a token").between(1, 1 << 14).by_default(128),
                      Parameter::integer("feed_forward", "width of the hidden layer; null: 4 width")
                          .between(1, 1 << 16)
                          .or_null(),
                      Parameter::number("dropout", "probability, behind the embedding and in front of each addition")
                          .in({.min = 0, .max = 1, .max_open = true})
                          .by_default(0.0),
                      Parameter::integer("context", "the longest sequence; null: the data's")
                          .between(1, 1 << 20)
                          .in_units("tokens")
                          .or_null()},
       .check = [](const KindSpec& spec) -> std::optional<KindProblem> {
         const std::int64_t heads = spec.integer("heads"), width = spec.integer("width");
         if (width % heads == 0) return std::nullopt;
         return KindProblem{
             "heads", "expected a divisor of the width " + std::to_string(width) + ", got " + std::to_string(heads)};
       }},
      make_transformer};
}

}  // namespace gradquake::model::kinds

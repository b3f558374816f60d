#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/model/dropped_site.h"
#include "gradquake/model/fit.h"
#include "gradquake/model/kinds/models.h"
#include "gradquake/model/model.h"
#include "gradquake/model/tokens.h"

namespace gradquake::model::kinds {
namespace {

class Lstm : public Model {
 public:
  Lstm(std::int64_t layers, std::int64_t width, double dropout, std::int64_t vocabulary)
      : embedding_site_{Site("embedding"), dropout} {
    embedding_ = register_module("embedding", torch::nn::Embedding(vocabulary, width));
    auto list = register_module("lstm", torch::nn::ModuleList());
    for (std::int64_t i = 0; i < layers; ++i) {
      torch::nn::LSTM lstm(torch::nn::LSTMOptions(width, width).batch_first(true));
      list->push_back(lstm);
      layers_.push_back({lstm, {Site("lstm." + std::to_string(i)), dropout}});
    }
    head_ = register_module("head", torch::nn::Linear(width, vocabulary));
  }

  at::Tensor forward(const at::Tensor& tokens) override {
    expect_tokens("lstm", tokens);
    const bool training = is_training();
    at::Tensor y =
        embedding_site_(*embedding_, tokens, training, [&](const at::Tensor& x) { return embedding_->forward(x); });
    for (auto& one : layers_)
      y = one.site(*one.lstm, y, training, [&](const at::Tensor& x) { return std::get<0>(one.lstm->forward(x)); });
    return tap_operator(head_site_, head_, y);
  }

 private:
  struct SitedLstm {
    torch::nn::LSTM lstm;
    DroppedSite site;
  };
  torch::nn::Embedding embedding_{nullptr};
  std::vector<SitedLstm> layers_;
  torch::nn::Linear head_{nullptr};
  DroppedSite embedding_site_;
  Site head_site_{"head"};
};

std::shared_ptr<Model> make_lstm(const KindSpec& spec, const ModelInput& input) {
  expect_sequences("lstm", input);
  const std::int64_t width = spec.integer("width");
  for (const std::int64_t rows : {4 * width, input.classes}) expect_weight_size("lstm", rows, width);
  return std::make_shared<Lstm>(spec.integer("layers"), width, spec.number("dropout"), input.classes);
}

}  // namespace

ModelKind lstm() {
  return {{.name = "lstm",
           .summary = "recurrent network on tokens: layers of LSTM between an embedding and a linear map",
           .parameters = {Parameter::integer("layers", "of LSTM").between(1, 1000).by_default(2),
                          Parameter::integer("width", "features of a token and of a layer's state")
                              .between(1, 1 << 14)
                              .by_default(128),
                          Parameter::number("dropout", "probability, behind the embedding and behind each layer")
                              .in({.min = 0, .max = 1, .max_open = true})
                              .by_default(0.0)}},
          make_lstm};
}

}  // namespace gradquake::model::kinds

#include "gradquake/model/model_config.h"

#include "gradquake/config/reader.h"
#include "gradquake/model/registry.h"

namespace gradquake::model {
namespace {

constexpr std::int64_t kLargestWidth = 1 << 24, kLargestDepth = 1000, kLargestChannels = 1 << 16;

void read_mlp(config::Reader& reader, ModelConfig& model) {
  reader.require("widths");
  model.widths = reader.integers("widths", {}, 1, kLargestWidth);
  if (model.widths.size() < 2) reader.fail("widths", "expected an input and an output width at least, got fewer");
  model.activation = reader.choice("activation", model.activation, {"relu", "tanh", "gelu", "sigmoid"});
  model.dropout = reader.number("dropout", model.dropout, config::Range{.min = 0, .max = 1, .max_open = true});
}

void read_linear_chain(config::Reader& reader, ModelConfig& model) {
  if (reader.has("depth") == reader.has("widths"))
    reader.fail(reader.has("depth") ? "depth" : "widths", "expected either widths or a depth");
  if (reader.has("depth")) {
    model.depth = reader.integer("depth", 1, 1, kLargestDepth);
  } else {
    model.widths = reader.integers("widths", {}, 1, kLargestWidth);
    if (model.widths.size() < 2) reader.fail("widths", "expected an input and an output width at least, got fewer");
  }
  model.orthogonal = reader.boolean("orthogonal", model.orthogonal);
  if (model.orthogonal) model.factor = reader.number("factor", model.factor, config::Range::positive());
}

void read_cnn(config::Reader& reader, ModelConfig& model) {
  reader.require("blocks");
  for (config::Reader& section : reader.list("blocks")) {
    CnnBlock block;
    block.channels = section.integer("channels", block.channels, 1, kLargestChannels);
    block.batch_norm = section.boolean("batch_norm", block.batch_norm);
    block.pool = section.boolean("pool", block.pool);
    section.finish();
    model.blocks.push_back(block);
  }
  if (model.blocks.empty()) reader.fail("blocks", "expected at least one block, got none");
}

}  // namespace

ModelConfig read_model(config::Reader& reader) {
  ModelConfig model;
  model.kind = reader.choice("kind", model.kind, model_kinds());
  if (model.kind == "mlp") read_mlp(reader, model);
  if (model.kind == "linear_chain") read_linear_chain(reader, model);
  if (model.kind == "cnn") read_cnn(reader, model);
  for (const auto& name : model_parameters(model.kind)) {
    reader.require(name);
    model.parameters[name] = reader.number(name, 0);
  }
  model.weights = reader.text_or_null("weights", std::nullopt);
  reader.finish();
  return model;
}

}  // namespace gradquake::model

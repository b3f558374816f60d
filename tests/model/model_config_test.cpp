#include "gradquake/model/model_config.h"

#include <gtest/gtest.h>

#include "gradquake/config/document.h"
#include "gradquake/core/error.h"

namespace gradquake::model {
namespace {

ModelConfig read(const std::string& yaml) {
  auto root = config::Document::parse(yaml, "run.yaml").root();
  return read_model(root);
}

void expect_error(const std::string& yaml, const std::string& part) {
  try {
    read(yaml);
    ADD_FAILURE() << "no error for " << yaml;
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(ModelConfigTest, AnMlpIsRead) {
  const auto config = read("{kind: mlp, widths: [64, 32, 10], activation: gelu, dropout: 0.25, weights: w.pt}");
  EXPECT_EQ(config.widths, (std::vector<std::int64_t>{64, 32, 10}));
  EXPECT_EQ(config.activation, "gelu");
  EXPECT_EQ(config.dropout, 0.25);
  EXPECT_EQ(config.weights, "w.pt");
  EXPECT_FALSE(read("{widths: [64, 10], weights: null}").weights);
}

TEST(ModelConfigTest, ACnnsBlocksAreRead) {
  const auto config = read("kind: cnn\nblocks:\n  - {channels: 16, batch_norm: true, pool: true}\n  - {channels: 8}\n");
  ASSERT_EQ(config.blocks.size(), 2u);
  EXPECT_EQ(config.blocks[0].channels, 16);
  EXPECT_TRUE(config.blocks[0].batch_norm);
  EXPECT_TRUE(config.blocks[0].pool);
  EXPECT_EQ(config.blocks[1].channels, 8);
  EXPECT_FALSE(config.blocks[1].batch_norm);
}

TEST(ModelConfigTest, ALinearChainHasWidthsOrADepth) {
  const auto config = read("{kind: linear_chain, depth: 6, orthogonal: true, factor: 1.1}");
  EXPECT_EQ(config.depth, 6);
  EXPECT_TRUE(config.orthogonal);
  EXPECT_EQ(config.factor, 1.1);
  expect_error("{kind: linear_chain, depth: 6, widths: [4, 4]}", "expected either widths or a depth");
  expect_error("{kind: linear_chain}", "expected either widths or a depth");
  expect_error("{kind: linear_chain, depth: 2, factor: 2}", "factor");
}

TEST(ModelConfigTest, MistakesNameTheKeyAndItsPlace) {
  expect_error("kind: mlp\nwidths: [64, -3]\n", "run.yaml:2");
  expect_error("kind: mlp\nwidths: [64]\n", "run.yaml:2: widths");
  expect_error("kind: mlp\n", "widths");
  expect_error("{widths: [4, 2], activation: rely}", "relu");
  expect_error("{widths: [4, 2], dropout: 1.0}", "dropout");
  expect_error("kind: cnn\nblocks: []\n", "run.yaml:2: blocks: expected at least one block");
  expect_error("kind: cnn\nblocks:\n  - {chanels: 3}\n", "channels");
  expect_error("{kind: mpl, widths: [4, 2]}", "mlp");
}

TEST(ModelConfigTest, AKeyOfAnotherKindIsRefused) {
  expect_error("{kind: logistic, widths: [4, 2]}", "widths");
  expect_error("{kind: cnn, blocks: [{channels: 2}], dropout: 0.5}", "dropout");
}

TEST(ModelConfigTest, TheResolvedCopyReadsBackTheSame) {
  for (const char* yaml :
       {"{kind: mlp, widths: [64, 32, 10], dropout: 0.1}", "{kind: logistic}", "{kind: cnn, blocks: [{pool: true}]}",
        "{kind: linear_chain, depth: 3}", "{kind: linear_chain, widths: [4, 2], orthogonal: true, factor: 0.5}"}) {
    auto document = config::Document::parse(yaml, "run.yaml");
    auto root = document.root();
    const auto first = read_model(root), again = read(document.resolved());
    EXPECT_EQ(first.widths, again.widths);
    EXPECT_EQ(first.depth, again.depth);
    EXPECT_EQ(first.factor, again.factor);
    EXPECT_EQ(first.dropout, again.dropout);
    EXPECT_EQ(first.blocks.size(), again.blocks.size());
  }
}

}  // namespace
}  // namespace gradquake::model

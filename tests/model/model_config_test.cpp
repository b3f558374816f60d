#include "gradquake/model/model_config.h"

#include <gtest/gtest.h>

#include "gradquake/config/document.h"
#include "gradquake/core/error.h"
#include "gradquake/model/registry.h"

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
  EXPECT_EQ(config.spec.integers("widths"), (std::vector<std::int64_t>{64, 32, 10}));
  EXPECT_EQ(config.spec.text("activation"), "gelu");
  EXPECT_EQ(config.spec.number("dropout"), 0.25);
  EXPECT_EQ(config.weights, "w.pt");
  EXPECT_FALSE(read("{widths: [64, 10], weights: null}").weights);
}

TEST(ModelConfigTest, ACnnsBlocksAreRead) {
  const auto config = read("kind: cnn\nblocks:\n  - {channels: 16, batch_norm: true, pool: true}\n  - {channels: 8}\n");
  const auto& blocks = config.spec.mappings("blocks");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].integer("channels"), 16);
  EXPECT_TRUE(blocks[0].flag("batch_norm"));
  EXPECT_TRUE(blocks[0].flag("pool"));
  EXPECT_EQ(blocks[1].integer("channels"), 8);
  EXPECT_FALSE(blocks[1].flag("batch_norm"));
}

TEST(ModelConfigTest, ALinearChainHasWidthsOrADepth) {
  const auto config = read("{kind: linear_chain, depth: 6, orthogonal: true, factor: 1.1}");
  EXPECT_EQ(config.spec.integer("depth"), 6);
  EXPECT_TRUE(config.spec.flag("orthogonal"));
  EXPECT_EQ(config.spec.number("factor"), 1.1);
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

TEST(ModelConfigTest, AUsersKindTakesATextAListAndAFlag) {
  models().add({"free",
                "takes what a config can say",
                {Parameter::text("name", "a text"), Parameter::integers("sizes", "a list").at_least(1),
                 Parameter::flag("wide", "a flag").by_default(false),
                 Parameter::texts("words", "texts").by_default(std::vector<std::string>{"a"})}},
               [](const KindSpec&, const ModelInput&) { return nullptr; });
  const auto config = read("{kind: free, name: x1, sizes: [3, 4], wide: true}");
  EXPECT_EQ(config.spec.text("name"), "x1");
  EXPECT_EQ(config.spec.integers("sizes"), (std::vector<std::int64_t>{3, 4}));
  EXPECT_TRUE(config.spec.flag("wide"));
  EXPECT_EQ(config.spec.texts("words"), std::vector<std::string>{"a"});
  expect_error("kind: free\nname: x\nsizes: [0]\n", "run.yaml:3: sizes: expected an integer >= 1 at index 0, got 0");
  expect_error("{kind: free, sizes: [1]}", "name: expected a value, got nothing");
  expect_error("{kind: free, name: x, sizes: [1], width: 3}", "expected a known key, got 'width' (nearest: wide)");
  expect_error("{kind: free, name: x, sizes: [1], wide: 1}", "wide: expected true or false");
}

TEST(ModelConfigTest, TheResolvedCopyReadsBackTheSame) {
  for (const char* yaml :
       {"{kind: mlp, widths: [64, 32, 10], dropout: 0.1}", "{kind: logistic}", "{kind: cnn, blocks: [{pool: true}]}",
        "{kind: linear_chain, depth: 3}", "{kind: linear_chain, widths: [4, 2], orthogonal: true, factor: 0.5}"}) {
    auto document = config::Document::parse(yaml, "run.yaml");
    auto root = document.root();
    const auto first = read_model(root), again = read(document.resolved());
    EXPECT_EQ(words_of(first.spec), words_of(again.spec));
  }
}

}  // namespace
}  // namespace gradquake::model

#include "gradquake/data/data_config.h"

#include <gtest/gtest.h>

#include "files.h"
#include "gradquake/config/document.h"

namespace gradquake::data {
namespace {

DataConfig read(const std::string& yaml) {
  auto root = config::Document::parse(yaml, "run.yaml").root();
  return read_data(root);
}

std::string error_of(const std::string& yaml) {
  return user_error([&] { read(yaml); });
}

TEST(DataConfigTest, DefaultsAreTheDigitsInBatchesOf64) {
  const auto config = read("{}");
  EXPECT_EQ(config.spec.kind, "digits");
  EXPECT_EQ(config.batch_size, 64);
  EXPECT_FALSE(config.micro_batch);
}

TEST(DataConfigTest, EveryKeyIsRead) {
  const auto idx = read("kind: idx\npath: mnist\nbatch_size: 128\nmicro_batch: 32\n");
  EXPECT_EQ(idx.spec.text("path"), "mnist");
  EXPECT_EQ(idx.batch_size, 128);
  EXPECT_EQ(idx.micro_batch, 32);
  const auto synthetic = read("{kind: synthetic_logistic, samples: 100, features: 3}");
  EXPECT_EQ(synthetic.spec.integer("samples"), 100);
  EXPECT_EQ(synthetic.spec.integer("features"), 3);
}

TEST(DataConfigTest, AKindThatReadsFilesNeedsAPath) {
  for (const char* kind : {"idx", "libsvm"}) {
    EXPECT_NE(error_of("kind: " + std::string(kind) + "\n").find("path"), std::string::npos) << kind;
    EXPECT_NE(error_of("kind: " + std::string(kind) + "\npath: ''\n").find("run.yaml:2: path: expected"),
              std::string::npos);
  }
}

TEST(DataConfigTest, AKeyThatTheKindDoesNotHaveIsRefused) {
  EXPECT_NE(error_of("kind: digits\npath: x\n").find("run.yaml:2"), std::string::npos);
  EXPECT_NE(error_of("samples: 3\n").find("samples"), std::string::npos);
}

TEST(DataConfigTest, AMicroBatchLiesWithinTheBatch) {
  EXPECT_NE(error_of("batch_size: 8\nmicro_batch: 9\n").find("run.yaml:2: micro_batch"), std::string::npos);
  EXPECT_NE(error_of("batch_size: 0\n").find("batch_size"), std::string::npos);
}

TEST(DataConfigTest, AnUnknownKindNamesTheNearest) {
  const auto message = error_of("kind: digit\n");
  EXPECT_NE(message.find("digits"), std::string::npos) << message;
}

TEST(DataConfigTest, TheResolvedCopyReadsBackTheSame) {
  auto document = config::Document::parse("{kind: libsvm, path: a9a, batch_size: 16}", "run.yaml");
  auto root = document.root();
  read_data(root);
  const auto again = read(document.resolved());
  EXPECT_EQ(again.spec.kind, "libsvm");
  EXPECT_EQ(again.spec.text("path"), "a9a");
  EXPECT_EQ(again.batch_size, 16);
}

}  // namespace
}  // namespace gradquake::data

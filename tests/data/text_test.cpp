#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "files.h"
#include "gradquake/data/registry.h"

namespace gradquake::data {
namespace {

DataSplits split_of(const std::string& text, const std::string& tokens, std::int64_t length, double test_share = 0) {
  const TemporaryFolder folder;
  DataConfig config;
  config.spec = {"text", {{"path", folder.write("text.txt", text)}, {"tokens", tokens}}};
  config.spec.set("sequence_length", length).set("test_share", test_share);
  return load_data(config, 1, at::kFloat);
}

Batch all_of(const Dataset& set) { return set.range(0, set.size()); }

at::Tensor table(std::vector<std::int64_t> numbers, std::int64_t columns) {
  return at::tensor(numbers, at::kLong).view({-1, columns});
}

TEST(TextTest, TheTargetOfATokenIsTheNext) {
  const DataSplits splits = split_of("hello world", "bytes", 3);
  const Batch batch = all_of(*splits.train);
  EXPECT_TRUE(at::equal(batch.input(), table({'h', 'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r'}, 3)));
  EXPECT_TRUE(at::equal(batch.target(), table({'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r', 'l'}, 3)));
  EXPECT_EQ(batch.input().scalar_type(), at::kLong);
  EXPECT_EQ(splits.train->shape().sample, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(splits.train->shape().classes, 256);
  EXPECT_EQ(splits.test, splits.train);
}

TEST(TextTest, CharactersAreNumberedInTheOrderOfTheirCodePoints) {
  const DataSplits splits = split_of("banana", "characters", 5);
  EXPECT_EQ(splits.train->shape().classes, 3);
  EXPECT_TRUE(at::equal(all_of(*splits.train).input(), table({1, 0, 2, 0, 2}, 5)));
  EXPECT_TRUE(at::equal(all_of(*splits.train).target(), table({0, 2, 0, 2, 0}, 5)));
}

// One, two, three and four bytes: z, e acute, the euro sign, a face.
TEST(TextTest, ACharacterOfUtf8IsOneTokenHoweverLong) {
  const std::string text = "\xF0\x9F\x98\x80z\xE2\x82\xAC\xC3\xA9z";
  const DataSplits characters = split_of(text, "characters", 4), bytes = split_of(text, "bytes", 10);
  EXPECT_EQ(characters.train->shape().classes, 4);
  EXPECT_TRUE(at::equal(all_of(*characters.train).input(), table({3, 0, 2, 1}, 4)));
  EXPECT_TRUE(at::equal(all_of(*characters.train).target(), table({0, 2, 1, 0}, 4)));
  EXPECT_TRUE(
      at::equal(all_of(*bytes.train).input(), table({0xF0, 0x9F, 0x98, 0x80, 'z', 0xE2, 0x82, 0xAC, 0xC3, 0xA9}, 10)));
}

TEST(TextTest, InvalidUtf8IsRefusedByItsByteAndTakenAsBytes) {
  const std::pair<std::string, std::string> texts[] = {
      {"ab\xFF"
       "cdef",
       "byte 2"},  // no lead byte
      {"abc\x80"
       "def",
       "byte 3"},                    // continues nothing
      {"a\xC3(bcdef", "byte 1"},     // two bytes, the second of which is none
      {"abcdef\xE2\x82", "byte 6"},  // cut off
      {"a\xC0\xAF"
       "bcdef",
       "byte 1"},  // '/' in two bytes
      {"ab\xF5\x80\x80\x80"
       "cde",
       "byte 2"},  // beyond the last code point
      {"a\xE0\x80\xAF"
       "bcdef",
       "byte 1"},  // '/' in three bytes
      {"a\xF0\x80\x80\xAF"
       "bcd",
       "byte 1"},  // and in four
      {"a\xED\xA0\x80"
       "bcdef",
       "byte 1"},  // half of a pair of UTF-16
      {"a\xF4\x90\x80\x80"
       "bcd",
       "byte 1"},  // U+110000
  };
  for (const auto& [text, place] : texts) {
    const std::string error = user_error([&] { split_of(text, "characters", 2); });
    EXPECT_NE(error.find("text.txt: expected UTF-8 at " + place + ","), std::string::npos) << place << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_EQ(user_error([&] { split_of(text, "bytes", 2); }), "no error");
  }
}

TEST(TextTest, TheLastTokensAreForTesting) {
  const DataSplits splits = split_of("0123456789abcdefghij", "bytes", 3, 0.3);  // 14 tokens and 6
  EXPECT_EQ(splits.train->size(), 4);
  EXPECT_EQ(splits.test->size(), 1);
  EXPECT_TRUE(at::equal(all_of(*splits.train).target()[3], at::tensor({'a', 'b', 'c'}, at::kLong)));
  EXPECT_TRUE(at::equal(all_of(*splits.test).input()[0], at::tensor({'e', 'f', 'g'}, at::kLong)));
  EXPECT_TRUE(at::equal(all_of(*splits.test).target()[0], at::tensor({'f', 'g', 'h'}, at::kLong)));
}

TEST(TextTest, ATestSetOfNoSequenceIsTheTrainingSet) {
  const DataSplits splits = split_of("0123456789", "bytes", 3, 0.3);
  EXPECT_EQ(splits.train->size(), 2);
  EXPECT_EQ(splits.test, splits.train);
}

TEST(TextTest, ATextShorterThanASequenceIsRefused) {
  EXPECT_EQ(split_of("abcd", "bytes", 3).train->size(), 1);
  EXPECT_NE(
      user_error([] { split_of("abc", "bytes", 3); }).find("more than sequence_length 3 tokens to train on, got 3"),
      std::string::npos);
  EXPECT_NE(user_error([] { split_of("", "characters", 3); }).find("got 0"), std::string::npos);
}

TEST(TextTest, SamplesCanBeSplitAndPutTogether) {
  const DataSplits splits = split_of("0123456789abcdefghij", "bytes", 4);
  const Batch batch = splits.train->get({3, 0});
  EXPECT_TRUE(at::equal(batch.input(), table({'c', 'd', 'e', 'f', '0', '1', '2', '3'}, 4)));
  EXPECT_EQ(batch.sample_ids, (std::vector<std::int64_t>{3, 0}));
}

}  // namespace
}  // namespace gradquake::data

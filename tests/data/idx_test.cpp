#include "gradquake/data/idx.h"

#include <gtest/gtest.h>

#include <numeric>

#include "files.h"

namespace gradquake::data {
namespace {

std::string word(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 255);
  return bytes;
}

std::string images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns, const std::string& pixels) {
  return word(0x803) + word(count) + word(rows) + word(columns) + pixels;
}

std::string labels(std::uint32_t count, const std::string& content) { return word(0x801) + word(count) + content; }

std::string error_of_images(const std::string& content) {
  const TemporaryFolder folder;
  const auto path = folder.write("images", content);
  return user_error([&] { read_idx_images(path); });
}

void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const auto& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
}

TEST(IdxTest, PlainAndCompressedFilesReadTheSame) {
  const TemporaryFolder folder;
  const std::string content = images(2, 1, 3, "abcdef");
  const auto plain = read_idx_images(folder.write("plain", content));
  const auto compressed = read_idx_images(folder.write_gzip("compressed", content));
  EXPECT_EQ(plain.pixels, (std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
  EXPECT_EQ(plain.pixels, compressed.pixels);
  EXPECT_EQ(plain.count, 2);
  EXPECT_EQ(plain.rows, 1);
  EXPECT_EQ(plain.columns, 3);
}

TEST(IdxTest, ATruncatedFileNamesTheByteWhereItEnds) {
  expect_parts(error_of_images(images(2, 1, 3, "abcde")), {"images", "claims 22 bytes", "ends at byte 21"});
  expect_parts(error_of_images(word(0x803) + word(2) + "\1"), {"rows at byte 8", "end of the file at byte 9"});
  expect_parts(error_of_images(""), {"magic number at byte 0"});
}

TEST(IdxTest, AnOverlongFileIsRefused) {
  expect_parts(error_of_images(images(1, 1, 3, "abcd")), {"expected its end at byte 19"});
}

TEST(IdxTest, AWrongMagicNumberIsRefused) {
  expect_parts(error_of_images(labels(3, "abc")), {"2051", "byte 0", "2049"});
}

TEST(IdxTest, AHugeClaimCostsNoMemory) {
  expect_parts(error_of_images(images(0x80000000u, 28, 28, "abc")), {"claims", "more than 4 GiB"});
  expect_parts(error_of_images(images(5'000'000, 28, 28, "abc")), {"claims 3920000016 bytes", "ends at byte 19"});
  expect_parts(error_of_images(images(2, 0xFFFFFFFFu, 28, "abc")), {"rows at byte 8", "4294967295"});
  expect_parts(error_of_images(images(0, 28, 28, "")), {"byte 4", "count of 0"});
}

TEST(IdxTest, DamagedCompressedDataIsNamed) {
  const TemporaryFolder folder;
  std::string pixels(100000, 'x');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>((i * i * 31) >> 3);
  const std::string whole = read_file(folder.write_gzip("whole", images(1000, 10, 10, pixels)));
  const auto truncated = folder.write("truncated.gz", whole.substr(0, whole.size() / 2));
  expect_parts(user_error([&] { read_idx_images(truncated); }), {"truncated.gz", "ends early, after byte"});
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
  const auto damaged = folder.write("flipped.gz", flipped);
  expect_parts(user_error([&] { read_idx_images(damaged); }), {"flipped.gz", "byte"});
  std::string wrong_sum = whole;
  wrong_sum[wrong_sum.size() - 6] = static_cast<char>(wrong_sum[wrong_sum.size() - 6] ^ 1);
  const auto checked = folder.write("sum.gz", wrong_sum);
  expect_parts(user_error([&] { read_idx_images(checked); }), {"sum.gz", "damaged after byte"});
}

TEST(IdxTest, EveryTruncationOfACompressedFileIsAUserError) {
  const TemporaryFolder folder;
  const std::string whole = read_file(folder.write_gzip("whole", images(4, 5, 5, std::string(100, 'q'))));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto path = folder.write("cut", whole.substr(0, size));
    ASSERT_NE(user_error([&] { read_idx_images(path); }), "no error") << size << " of " << whole.size() << " bytes";
  }
}

TEST(IdxTest, CountsOfImagesAndLabelsMustAgree) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", images(2, 1, 1, "ab"));
  const auto path = folder.write_gzip("train-labels-idx1-ubyte.gz", labels(3, "abc"));
  expect_parts(user_error([&] { read_idx_split(folder.path(""), "train"); }), {path, "expected 2 labels", "got 3"});
}

TEST(IdxTest, AMissingFolderOrFileSaysWhatWasExpected) {
  const TemporaryFolder folder;
  expect_parts(user_error([&] { read_idx_split(folder.path("none"), "train"); }),
               {"expected a folder of idx files", "none"});
  expect_parts(user_error([&] { read_idx_split(folder.path(""), "train"); }), {"train-labels-idx1-ubyte", ".gz"});
  expect_parts(user_error([&] { read_idx_images(folder.path("")); }), {"expected a regular file"});
}

TEST(IdxTest, MnistIsReadAsPublished) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder";
  const auto train = read_idx_split(data_folder() + "/mnist", "train");
  EXPECT_EQ(train.images.count, 60000);
  EXPECT_EQ(train.images.rows, 28);
  EXPECT_EQ(train.images.columns, 28);
  std::vector<int> histogram(10);
  for (const auto label : train.labels) ++histogram[label];
  EXPECT_EQ(histogram, (std::vector<int>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  EXPECT_EQ(std::vector<std::uint8_t>(train.labels.begin(), train.labels.begin() + 5),
            (std::vector<std::uint8_t>{5, 0, 4, 1, 9}));
  EXPECT_EQ(std::accumulate(train.images.pixels.begin(), train.images.pixels.begin() + 784, 0), 27525);
  const auto test = read_idx_split(data_folder() + "/mnist", "t10k");
  EXPECT_EQ(test.images.count, 10000);
  EXPECT_EQ(std::accumulate(test.images.pixels.begin(), test.images.pixels.begin() + 784, 0), 18454);
}

}  // namespace
}  // namespace gradquake::data

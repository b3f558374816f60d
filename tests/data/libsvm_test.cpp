#include "gradquake/data/libsvm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "files.h"
#include "gradquake/data/digits.h"
#include "gradquake/data/input_file.h"

namespace gradquake::data {
namespace {

std::string error_of(const std::string& text) {
  return user_error([&] { parse_libsvm(text, "toy"); });
}

TEST(LibsvmTest, LabelsIndicesAndValuesAreReadAsWritten) {
  const auto table = parse_libsvm("+1 1:0.5 3:-2e-1\n\n# a comment\n-1 2:7 # another\r\n1\n", "toy");
  EXPECT_EQ(table.labels, (std::vector<double>{1, -1, 1}));
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{1, 4, 5}));
  EXPECT_EQ(table.row_ends, (std::vector<std::size_t>{2, 3, 3}));
  EXPECT_EQ(table.features, 3);
  EXPECT_EQ(table.entries[1].feature, 2);
  EXPECT_EQ(table.entries[1].value, -0.2);
}

TEST(LibsvmTest, AnIndexOutsideItsRangeNamesTheLine) {
  EXPECT_EQ(error_of("1 1:1\n-1 0:1\n"),
            "[data] toy:2: expected index:value with an index from 1 to 10000000, got '0:1'");
  EXPECT_NE(error_of("1 1000000000:1\n").find("toy:1: expected index:value"), std::string::npos);
  EXPECT_NE(error_of("1 99999999999999999999:1\n").find("toy:1: expected index:value"), std::string::npos);
  EXPECT_NE(error_of("1 -3:1\n").find("got '-3:1'"), std::string::npos);
}

TEST(LibsvmTest, DescendingAndRepeatedIndicesNameTheLine) {
  EXPECT_EQ(error_of("1 1:1 3:1\n1 5:1 4:1\n"), "[data] toy:2: expected ascending indices, got 4 after 5");
  EXPECT_EQ(error_of("1 5:1 5:1\n"), "[data] toy:1: expected ascending indices, got 5 after 5");
}

TEST(LibsvmTest, WhatIsNoNumberIsRefused) {
  EXPECT_EQ(error_of("yes 1:1\n"), "[data] toy:1: expected a label (a finite number), got 'yes'");
  for (const char* entry : {"1:x", "1:", "1:nan", "1:inf", "1:1e999", "1:+-2", "1:2x"})
    EXPECT_EQ(error_of("1 " + std::string(entry) + "\n"),
              "[data] toy:1: expected a finite number after the colon, got '" + std::string(entry) + "'");
  for (const char* entry : {"1", ":1", "a:1", "1.5:1", "qid:3", "+1:1"})
    EXPECT_NE(error_of("1 " + std::string(entry) + "\n").find("expected index:value"), std::string::npos) << entry;
}

TEST(LibsvmTest, BinaryContentIsQuotedWithoutControlCharacters) {
  const auto message = error_of(std::string("\x1b[2J\0\xff", 6));
  EXPECT_NE(message.find("got '.[2J..'"), std::string::npos) << message;
}

TEST(LibsvmTest, AnEmptyFileIsRefused) {
  EXPECT_NE(error_of("").find("expected at least one sample"), std::string::npos);
  EXPECT_NE(error_of("\n# nothing\n").find("toy:2: expected at least one sample"), std::string::npos);
}

TEST(LibsvmTest, TheSmallerLabelBecomesMinusOne) {
  for (const char* text : {"1\n2\n1\n", "-1\n+1\n-1\n", "0\n1\n0\n"}) {
    const auto table = parse_libsvm(text, "toy");
    EXPECT_EQ(sign_labels(table, find_labels(table, "toy"), "toy"), (std::vector<double>{-1, 1, -1}));
  }
}

TEST(LibsvmTest, OtherThanTwoLabelsAreRefused) {
  const auto three = parse_libsvm("1\n2\n3\n", "toy"), one = parse_libsvm("1\n1\n", "toy");
  EXPECT_NE(user_error([&] { find_labels(three, "toy"); }).find("toy:3: expected two different labels, got a third, 3"),
            std::string::npos);
  EXPECT_NE(user_error([&] { find_labels(one, "toy"); }).find("got only 1"), std::string::npos);
  EXPECT_NE(user_error([&] {
              sign_labels(three, {1, 2}, "toy.t");
            }).find("toy.t:3: expected label 1 or 2 as in the training file, got 3"),
            std::string::npos);
}

TEST(LibsvmTest, MushroomsAndA9aAreReadAsPublished) {
  if (data_folder().empty()) GTEST_SKIP() << "no data folder";
  const auto folder = data_folder() + "/libsvm/";
  const auto mushrooms = parse_libsvm(read_text(folder + "mushrooms"), "mushrooms");
  EXPECT_EQ(mushrooms.labels.size(), 8124u);
  EXPECT_EQ(mushrooms.features, 112);
  EXPECT_EQ(mushrooms.entries.size(), 170604u);
  EXPECT_EQ(std::count(mushrooms.labels.begin(), mushrooms.labels.end(), 2.0), 4208);
  const auto a9a = parse_libsvm(read_text(folder + "a9a"), "a9a");
  EXPECT_EQ(a9a.labels.size(), 32561u);
  EXPECT_EQ(a9a.features, 123);
  EXPECT_EQ(a9a.entries.size(), 451592u);
  EXPECT_EQ(std::count(a9a.labels.begin(), a9a.labels.end(), 1.0), 7841);
}

TEST(DigitsTest, TheEmbeddedFilesAreThePublishedOnes) {
  const auto train = embedded_train_digits(), test = embedded_test_digits();
  std::vector<int> train_classes(10), test_classes(10);
  for (const auto label : train.labels) ++train_classes[label];
  for (const auto label : test.labels) ++test_classes[label];
  EXPECT_EQ(train_classes, (std::vector<int>{376, 389, 380, 389, 387, 376, 377, 387, 380, 382}));
  EXPECT_EQ(test_classes, (std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}));
  EXPECT_EQ(std::vector<std::uint8_t>(train.pixels.begin(), train.pixels.begin() + 8),
            (std::vector<std::uint8_t>{0, 1, 6, 15, 12, 1, 0, 0}));
  EXPECT_EQ(train.pixels.size(), 3823u * 64);
}

TEST(DigitsTest, ADamagedLineIsNamed) {
  std::string line = "16";
  for (int i = 1; i < 64; ++i) line += ",0";
  EXPECT_EQ(parse_digits(line + ",9\n" + line + ",0\n", "toy").labels, (std::vector<std::uint8_t>{9, 0}));
  for (const std::string& bad : {line + "\n", line + ",10\n", "1," + line + ",1\n", line + ",1", "x" + line + ",1\n"})
    EXPECT_NE(user_error([&] { parse_digits(line + ",9\n" + bad, "toy"); }).find("toy:2: expected 64 counts"),
              std::string::npos);
}

}  // namespace
}  // namespace gradquake::data

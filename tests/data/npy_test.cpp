#include "gradquake/data/npy.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "files.h"

namespace gradquake::data {
namespace {

// A file of this header and content, as numpy lays it out.
std::string file_of(const std::string& header, const std::string& content, char version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {version, '\0'};
  for (std::size_t i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  return bytes + header + content;
}

std::string header_of(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape +
         ", }\n";
}

template <class T, std::size_t N>
std::string bytes_of(const T (&numbers)[N]) {
  std::string bytes(sizeof numbers, '\0');
  std::memcpy(bytes.data(), numbers, sizeof numbers);
  return bytes;
}

at::Tensor array_of(const std::string& bytes) {
  const TemporaryFolder folder;
  return read_npy(folder.write("array.npy", bytes));
}

bool is(const at::Tensor& got, const at::Tensor& expected) {
  return got.scalar_type() == expected.scalar_type() && got.is_contiguous() && at::equal(got, expected);
}

TEST(NpyTest, NumbersOfEveryTypeAreThoseOfTheFile) {
  EXPECT_TRUE(
      is(array_of(file_of(header_of("<f4", "(3,)"), bytes_of<float>({1.5f, -2, 0}))), at::tensor({1.5f, -2.0f, 0.0f})));
  EXPECT_TRUE(is(array_of(file_of(header_of("<f8", "(2,)"), bytes_of<double>({0.1, 1e300}))),
                 at::tensor({0.1, 1e300}, at::kDouble)));
  EXPECT_TRUE(is(array_of(file_of(header_of("<i8", "(2,)"), bytes_of<std::int64_t>({-1, 1LL << 40}))),
                 at::tensor({std::int64_t{-1}, std::int64_t{1} << 40}, at::kLong)));
  EXPECT_TRUE(is(array_of(file_of(header_of("|u1", "(3,)"), "\x01\x80\xFF")),
                 at::tensor({1, 128, 255}, at::kInt).to(at::kByte)));
}

TEST(NpyTest, RowsComeFirstInOneOrderAndLastInTheOther) {
  const std::string numbers = bytes_of<float>({0, 1, 2, 3, 4, 5});
  EXPECT_TRUE(is(array_of(file_of(header_of("<f4", "(2, 3)"), numbers)),
                 at::tensor({0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f}).view({2, 3})));
  EXPECT_TRUE(is(array_of(file_of(header_of("<f4", "(2, 3)", true), numbers)),
                 at::tensor({0.0f, 2.0f, 4.0f, 1.0f, 3.0f, 5.0f}).view({2, 3})));
}

// Element [i, j, k] lies at i + 2 j + 6 k.
TEST(NpyTest, ThreeDimensionsInFortranOrder) {
  std::array<std::int64_t, 24> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
  std::string bytes(sizeof numbers, '\0');
  std::memcpy(bytes.data(), numbers.data(), sizeof numbers);
  const at::Tensor got = array_of(file_of(header_of("<i8", "(2, 3, 4)", true), bytes));
  ASSERT_EQ(got.sizes(), (at::IntArrayRef{2, 3, 4}));
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      for (std::int64_t k = 0; k < 4; ++k) EXPECT_EQ(got[i][j][k].item<std::int64_t>(), i + 2 * j + 6 * k);
}

TEST(NpyTest, SingleNumbersAndEmptyArraysAreArraysToo) {
  EXPECT_TRUE(
      is(array_of(file_of(header_of("<f8", "()"), bytes_of<double>({2.5}))), at::scalar_tensor(2.5, at::kDouble)));
  EXPECT_TRUE(is(array_of(file_of(header_of("<f4", "(0, 3)"), "")), at::empty({0, 3})));
  EXPECT_TRUE(is(array_of(file_of(header_of("<f4", "(0, 3)", true), "")), at::empty({0, 3})));
}

TEST(NpyTest, LaterVersionsHaveALongerLength) {
  for (const char version : {'\2', '\3'})
    EXPECT_TRUE(is(array_of(file_of(header_of("|u1", "(2,)"), "ab", version)), at::tensor({97, 98}).to(at::kByte)));
}

TEST(NpyTest, ACompressedFileIsReadAsItIsWritten) {
  const TemporaryFolder folder;
  const auto path = folder.write_gzip("array.npy", file_of(header_of("|u1", "(2,)"), "ab"));
  EXPECT_TRUE(is(read_npy(path), at::tensor({97, 98}).to(at::kByte)));
}

TEST(NpyTest, WhatIsNotReadIsNamedInOneLine) {
  const TemporaryFolder folder;
  const std::string f4 = header_of("<f4", "(3,)"), numbers(12, 'n');
  const std::pair<std::string, std::string> files[] = {
      {"", "begins with \\x93NUMPY"},
      {"\x93NUMPY", "begins with \\x93NUMPY"},
      {"PK\x03\x04 and more of a zip file", "begins with \\x93NUMPY"},
      {file_of(f4, numbers, 4), "version 1, 2 or 3"},
      {file_of(f4, numbers).substr(0, 9), "expected a header of"},
      {file_of(f4, numbers).substr(0, 40), "expected a header of " + std::to_string(f4.size()) + " bytes, got 30"},
      {file_of(std::string(70000, ' '), numbers, 2), "expected a header of 70000 bytes"},
      {file_of(f4, numbers.substr(1)), "expected 12 bytes of numbers, as its header says, got 11"},
      {file_of(f4, numbers + "n"), "expected 12 bytes of numbers, as its header says, got more"},
      {file_of(header_of(">f4", "(3,)"), numbers), "little endian, got '>f4'"},
      {file_of(header_of("<f2", "(6,)"), numbers), "got '<f2'"},
      {file_of(header_of("<c8", "(1,)"), numbers), "got '<c8'"},
      {file_of(header_of("|O", "(3,)"), numbers), "got '|O'"},
      {file_of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", numbers), "a plain 'descr'"},
      {file_of("{'descr': '<f4', 'shape': (3,), }", numbers), "'fortran_order'"},
      {file_of(header_of("<f4", "(-3,)"), numbers), "a 'shape' of numbers"},
      {file_of(header_of("<f4", "(9999999999999,)"), numbers), "a shape that fits into memory"},
      {file_of(header_of("<f4", "(99999999, 99999999)"), numbers), "a shape that fits into memory"},
      {file_of(header_of("<f4", "(99999999, 100)"), numbers), "got 12"}};
  for (const auto& [content, reason] : files) {
    const auto path = folder.write("array.npy", content);
    const std::string error = user_error([&] { read_npy(path); });
    EXPECT_TRUE(error.starts_with("[data] " + path + ": ")) << error;
    EXPECT_NE(error.find(reason), std::string::npos) << reason << " is not in: " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  EXPECT_NE(user_error([&] { read_npy(folder.path("none.npy")); }).find("none.npy"), std::string::npos);
}

TEST(NpyTest, EveryTruncationAndEveryInvertedByteIsReadOrRefused) {
  const TemporaryFolder folder;
  const std::string whole = file_of(header_of("<f4", "(2, 3)"), std::string(24, 'n'));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto path = folder.write("cut.npy", whole.substr(0, size));
    EXPECT_NE(user_error([&] { read_npy(path); }), "no error") << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(~damaged[at]);
    const auto path = folder.write("damaged.npy", damaged);
    EXPECT_NO_THROW(user_error([&] { read_npy(path); })) << at;
  }
}

}  // namespace
}  // namespace gradquake::data

// Files damaged at random: a parser reads them or throws a UserError, and nothing else ever happens. The sanitizers see
// these tests too.
#include <gtest/gtest.h>

#include <functional>

#include "files.h"
#include "gradquake/data/digits.h"
#include "gradquake/data/idx.h"
#include "gradquake/data/libsvm.h"
#include "gradquake/data/random.h"

namespace gradquake::data {
namespace {

// One to four edits: a byte replaced, removed or doubled, or the end cut off.
std::string damage(std::string text, RandomStream& random) {
  for (auto edits = 1 + random.below(4); edits > 0 && !text.empty(); --edits) {
    const std::size_t at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, 1);
        break;
      case 2:
        text.insert(at, 1, text[at]);
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

// How many of `count` damaged copies were refused.
int refusals(const std::string& text, int count, const std::function<void(const std::string&)>& parse) {
  RandomStream random(1);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    const std::string damaged = damage(text, random);
    if (user_error([&] { parse(damaged); }) != "no error") ++refused;
  }
  return refused;
}

TEST(DamagedFilesTest, LibsvmTextIsReadOrRefused) {
  const std::string text = "+1 1:0.5 3:-2e-1 17:4\n-1 2:7 # comment\n+1\n-1 5:1e3 6:0.125\n";
  EXPECT_GT(refusals(text, 20000, [](const std::string& damaged) { parse_libsvm(damaged, "toy"); }), 5000);
}

TEST(DamagedFilesTest, DigitsAreReadOrRefused) {
  std::string line = "3";
  for (int i = 1; i < 64; ++i) line += "," + std::to_string(i % 17);
  EXPECT_GT(refusals(line + ",9\n" + line + ",0\n", 5000, [](const std::string& text) { parse_digits(text, "toy"); }),
            4000);
}

TEST(DamagedFilesTest, PlainIdxFilesAreReadOrRefused) {
  const TemporaryFolder folder;
  const std::string header("\0\0\x8\3\0\0\0\4\0\0\0\2\0\0\0\3", 16);
  EXPECT_GT(refusals(header + std::string(24, 'p'), 400,
                     [&](const std::string& damaged) { read_idx_images(folder.write("images", damaged)); }),
            200);
}

TEST(DamagedFilesTest, CompressedIdxFilesAreReadOrRefused) {
  const TemporaryFolder folder;
  const std::string header("\0\0\x8\1\0\0\0\x64", 8);
  std::string labels = header;
  for (int i = 0; i < 100; ++i) labels += static_cast<char>(i * i % 10);
  const std::string compressed = read_file(folder.write_gzip("whole", labels));
  EXPECT_GT(
      refusals(compressed, 400, [&](const std::string& damaged) { read_idx_labels(folder.write("labels", damaged)); }),
      300);
}

}  // namespace
}  // namespace gradquake::data

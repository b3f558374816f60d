// The IDX format of MNIST: big-endian 32-bit words, then unsigned bytes.
//   images: magic 0x00000803, count, rows, columns, count * rows * columns pixels
//   labels: magic 0x00000801, count, count labels
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradquake::data {

struct IdxImages {
  std::int64_t count = 0, rows = 0, columns = 0;
  std::vector<std::uint8_t> pixels;  // [count, rows, columns]
};

struct IdxSplit {
  IdxImages images;
  std::vector<std::uint8_t> labels;  // [count]
};

// Gzip-compressed or not. Throws UserError naming file and byte where a header is not as above, claims no sample or
// images beyond 4096 x 4096 or 4 GiB in all, or the content is shorter or longer than the header says.
IdxImages read_idx_images(const std::string& path);
std::vector<std::uint8_t> read_idx_labels(const std::string& path);

// <prefix>-images-idx3-ubyte[.gz] and <prefix>-labels-idx1-ubyte[.gz] of a folder; equal counts required.
IdxSplit read_idx_split(const std::string& folder, const std::string& prefix);

}  // namespace gradquake::data

// The safetensors format (https://github.com/huggingface/safetensors), which most tools read:
//
//   header length N, u64 little endian | N bytes of JSON | the tensors' bytes, row by row, little endian
//   {"fc.weight": {"dtype": "F32", "shape": [8, 6], "data_offsets": [0, 192]}, ...}
//
// Offsets count from the end of the header and cover what follows without a gap. Widest types first, then by name;
// spaces fill the header to a multiple of 8, so every tensor is aligned. Equal tensors give equal bytes.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <string_view>

namespace gradquake::data {

using NamedTensors = std::map<std::string, at::Tensor>;

// Throws UserError where a dtype has no name in the format.
std::string safetensors_bytes(const NamedTensors& tensors);

// Copies on the CPU. Throws UserError, naming `path`, where the bytes are not of the format: cut off, a header that
// lies about a size, a shape or a place, tensors that overlap, a dtype that is unknown.
NamedTensors parse_safetensors(std::string_view bytes, const std::string& path);

}  // namespace gradquake::data

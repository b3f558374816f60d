// Number formats by name, as data. Torch-free; rounding.h rounds to them.
//
//   bf16 fp16 e5m2 e{E}m{M}   sign, E exponent bits, M mantissa bits, bias 2^(E-1) - 1, subnormals; the topmost
//   exponent
//                             stands for inf and NaN, as in IEEE 754. 2 <= E <= 8, 1 <= M <= 22
//   e4m3fn e{E}m{M}fn         the same without inf: the topmost exponent counts. With 8 bits in all the largest code is
//                             NaN (e4m3fn ends at 448), with fewer there is no NaN (e2m1fn ends at 6), as in the OCP's
//                             8-bit (1.0, 2023) and microscaling formats (1.0, 2023)
//   int2 .. int16             k S or (k - z) S with an integer k of that many bits and a scale S of the tensor's own
//   mxfp8 mxfp8_e5m2 mxfp6 mxfp6_e3m2 mxfp4 mxint8
//                             OCP microscaling: blocks of 32 share a power of two X = 2^(floor(log2 amax) - emax), amax
//                             the largest magnitude of the block, emax the topmost exponent of the element's format:
//                             e4m3fn, e5m2, e2m3fn, e3m2fn, e2m1fn, or k / 64 with |k| <= 127
//   nvfp4                     blocks of 16 of e2m1fn with a scale in e4m3fn, relative to amax of the tensor / (6 * 448)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "gradquake/hooks/export.h"

namespace gradquake {

struct FloatFormat {
  int mantissa_bits = 7;
  int lowest_exponent = -126;  // of a normal number; subnormals are multiples of 2^(lowest_exponent - mantissa_bits)
  int highest_exponent = 127;
  double largest = 0;
  bool has_infinity = true;
};

struct IntegerFormat {
  int bits = 8;
};

struct BlockFormat {
  std::int64_t block = 32;  // elements that share a scale
  bool integer = false;     // mxint8: multiples of 1/64 up to 127/64; else `element`
  FloatFormat element = {};
  std::optional<FloatFormat> scale = {};  // nvfp4: of a scale relative to the tensor's; else it is a power of two
};

using NumberFormat = std::variant<FloatFormat, IntegerFormat, BlockFormat>;

// Throws std::invalid_argument: "expected a format such as ..., got 'int0'".
GRADQUAKE_EXPORT NumberFormat number_format(const std::string& name);

}  // namespace gradquake

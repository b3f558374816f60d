// The optdigits text: a line is 64 counts 0..16 and the class 0..9, separated by commas.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradquake::data {

struct Digits {
  std::vector<std::uint8_t> pixels;  // [rows, 64], 0..16
  std::vector<std::uint8_t> labels;  // [rows], 0..9
};

// Throws UserError with the line where a line is not as above.
Digits parse_digits(const std::string& text, const std::string& name);

// The files compiled into the library (datasets/README.md).
Digits embedded_train_digits();
Digits embedded_test_digits();

}  // namespace gradquake::data

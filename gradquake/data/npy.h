// numpy's .npy format, versions 1 to 3 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
//
//   \x93NUMPY, version (2 bytes), header length (2 bytes, 4 from version 2 on, little endian), header, the numbers
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace gradquake::data {

// float32, float64, int64 or uint8, little endian. Throws UserError, naming the file, on another dtype and where the
// file is not of the format or is shorter or longer than its header says.
at::Tensor read_npy(const std::string& path);

}  // namespace gradquake::data

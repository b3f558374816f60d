// The data kinds that the library brings, one file each, for the table in registry.cpp; and what they share. Internal
// to data/.
#pragma once

#include <ATen/Functions.h>

#include <cstdint>
#include <vector>

#include "gradquake/data/registry.h"

namespace gradquake::data::kinds {

using DatasetKind = Registry<DatasetFactory>::Kind;

// UCI optdigits, compiled in: input [64] in 0..1 (count / 16), 10 classes, 3823 train and 1797 test digits.
DatasetKind digits();

// A folder of MNIST-style files: train-{images-idx3,labels-idx1}-ubyte and t10k-..., .gz or not. Input
// [channels, rows + 2 pad, columns + 2 pad] in 0..1 (byte / 255), every channel the same; max(10, largest label + 1)
// classes.
DatasetKind idx();

// A LIBSVM file of two labels, or with `targets: numbers` of numbers, dense: input [features]. The test set is the file
// `<path>.t` where it exists, else a fifth of the rows, drawn with named_seed(run_seed, "data.split"); both parts keep
// the file's order.
DatasetKind libsvm();

// A folder of numpy files (npy.h) train_NAME.npy and test_NAME.npy; NAME is a tensor of the batch: input, target,
// others.
DatasetKind npy();

// Files of named tensors (safetensors.h): input, target, others.
DatasetKind safetensors();

// A text: input int64 [sequence_length], target the same moved by one token. Samples do not overlap; the last
// test_share of the tokens is the test set.
DatasetKind text();

// synthetic_logistic.h with named_seed(run_seed, "data.synthetic"); test is train.
DatasetKind synthetic_logistic();

// synthetic_linear.h with named_seed(run_seed, "data.synthetic"); a quarter as many further samples are the test set.
DatasetKind synthetic_linear();

inline constexpr std::int64_t kLargestDense = std::int64_t{1} << 28;  // elements

template <typename T>
at::Tensor tensor_of(const std::vector<T>& values, std::vector<std::int64_t> shape, at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()), shape, type).clone();
}

// Class numbers as int64.
inline at::Tensor classes_of(const std::vector<std::uint8_t>& labels) {
  return tensor_of(labels, {static_cast<std::int64_t>(labels.size())}, at::kByte).to(at::kLong);
}

}  // namespace gradquake::data::kinds

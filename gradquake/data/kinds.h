// The data kinds that the library brings, as factories for the table of registry.h.
#pragma once

#include "gradquake/data/registry.h"

namespace gradquake::data {

// UCI optdigits, compiled in: input [64] in 0..1 (count / 16), 10 classes, 3823 train and 1797 test digits.
DataSplits load_digits(const DatasetRequest& request);

// A folder of MNIST-style files: train-{images-idx3,labels-idx1}-ubyte and t10k-..., .gz or not. Input
// [1, rows, columns] in 0..1 (byte / 255), max(10, largest label + 1) classes.
DataSplits load_idx(const DatasetRequest& request);

// A LIBSVM file of two labels, dense: input [features]. The test set is the file `<path>.t` where it exists, else a
// fifth of the rows, drawn with named_seed(run_seed, "data.split"); both parts keep the file's order.
DataSplits load_libsvm(const DatasetRequest& request);

// synthetic_logistic.h with named_seed(run_seed, "data.synthetic"); test is train.
DataSplits load_synthetic_logistic(const DatasetRequest& request);

}  // namespace gradquake::data

#include "gradquake/data/digits.h"

#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {
namespace {

std::shared_ptr<Dataset> digits_set(const Digits& digits, at::ScalarType dtype) {
  const auto rows = static_cast<std::int64_t>(digits.labels.size());
  return std::make_shared<TensorDataset>(tensor_of(digits.pixels, {rows, 64}, at::kByte), classes_of(digits.labels), 10,
                                         dtype, 16);
}

}  // namespace

DatasetKind digits() {
  return {{.name = "digits", .summary = "UCI optdigits, built in: 8 x 8 images as 64 numbers, 10 classes"},
          [](const DatasetRequest& request) {
            return DataSplits{digits_set(embedded_train_digits(), request.dtype),
                              digits_set(embedded_test_digits(), request.dtype)};
          }};
}

}  // namespace gradquake::data::kinds

#include "gradquake/data/idx.h"

#include <algorithm>

#include "gradquake/core/error.h"
#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {
namespace {

std::shared_ptr<Dataset> idx_set(const IdxSplit& split, std::int64_t classes, const DatasetRequest& request) {
  const auto& images = split.images;
  const std::int64_t pad = request.spec.integer("pad"), channels = request.spec.integer("channels");
  at::Tensor pixels = tensor_of(images.pixels, {images.count, 1, images.rows, images.columns}, at::kByte);
  if (pad > 0) pixels = at::constant_pad_nd(pixels, {pad, pad, pad, pad});
  // Of several channels only a batch is ever copied.
  return std::make_shared<TensorDataset>(pixels.expand({-1, channels, -1, -1}), classes_of(split.labels), classes,
                                         request.dtype, 255);
}

DataSplits load_idx(const DatasetRequest& request) {
  const std::string& path = request.spec.text("path");
  const IdxSplit train = read_idx_split(path, "train");
  const IdxSplit test = read_idx_split(path, "t10k");
  if (train.images.rows != test.images.rows || train.images.columns != test.images.columns)
    throw UserError("data", path + ": expected train and t10k images of one size, got " +
                                std::to_string(train.images.rows) + "x" + std::to_string(train.images.columns) +
                                " and " + std::to_string(test.images.rows) + "x" + std::to_string(test.images.columns) +
                                " (bytes 8 to 15)");
  const std::int64_t largest = std::max(*std::max_element(train.labels.begin(), train.labels.end()),
                                        *std::max_element(test.labels.begin(), test.labels.end()));
  const std::int64_t classes = std::max<std::int64_t>(10, largest + 1);
  return {idx_set(train, classes, request), idx_set(test, classes, request)};
}

}  // namespace

DatasetKind idx() {
  return {{.name = "idx",
           .summary = "MNIST-style files, gzipped or not: images [channels, rows, columns] in 0..1",
           .parameters = {Parameter::path("path", "a folder of idx files"),
                          Parameter::integer("pad", "rows and columns of zeros around an image")
                              .between(0, 256)
                              .by_default(0)
                              .in_units("pixels"),
                          Parameter::integer("channels", "of an image, all equal").between(1, 64).by_default(1)}},
          load_idx};
}

}  // namespace gradquake::data::kinds

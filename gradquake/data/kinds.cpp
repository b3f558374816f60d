#include "gradquake/data/kinds.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/digits.h"
#include "gradquake/data/idx.h"
#include "gradquake/data/input_file.h"
#include "gradquake/data/libsvm.h"
#include "gradquake/data/random.h"
#include "gradquake/data/synthetic_logistic.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data {
namespace {

constexpr std::int64_t kLargestDense = std::int64_t{1} << 28;  // elements

template <typename T>
at::Tensor tensor_of(const std::vector<T>& values, std::vector<std::int64_t> shape, at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()), shape, type).clone();
}

at::Tensor classes_of(const std::vector<std::uint8_t>& labels) {
  return tensor_of(labels, {static_cast<std::int64_t>(labels.size())}, at::kByte).to(at::kLong);
}

std::shared_ptr<Dataset> digits_set(const Digits& digits, at::ScalarType dtype) {
  const auto rows = static_cast<std::int64_t>(digits.labels.size());
  return std::make_shared<TensorDataset>(tensor_of(digits.pixels, {rows, 64}, at::kByte), classes_of(digits.labels), 10,
                                         dtype, 16);
}

std::shared_ptr<Dataset> idx_set(const IdxSplit& split, std::int64_t classes, at::ScalarType dtype) {
  const auto& images = split.images;
  return std::make_shared<TensorDataset>(
      tensor_of(images.pixels, {images.count, 1, images.rows, images.columns}, at::kByte), classes_of(split.labels),
      classes, dtype, 255);
}

at::Tensor dense_features(const LibsvmTable& table, std::int64_t features, const std::string& name) {
  const auto rows = static_cast<std::int64_t>(table.labels.size());
  if (rows > kLargestDense / features)
    throw UserError("data", name + ": expected at most 2^28 dense values, got " + std::to_string(rows) +
                                " samples of " + std::to_string(features) + " features");
  auto dense = at::zeros({rows, features}, at::kDouble);
  double* row = dense.mutable_data_ptr<double>();
  std::size_t entry = 0;
  for (const std::size_t end : table.row_ends) {
    for (; entry < end; ++entry) row[table.entries[entry].feature] = table.entries[entry].value;
    row += features;
  }
  return dense;
}

// A fifth of the rows, rounded up, is for testing; a single row is for both.
std::vector<std::int64_t> split_rows(std::int64_t rows, std::uint64_t seed, bool test) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  RandomStream random(seed);
  for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  const auto middle = order.begin() + std::max<std::int64_t>(1, rows * 4 / 5);
  if (rows > 1 && test) order.erase(order.begin(), middle);
  if (rows > 1 && !test) order.erase(middle, order.end());
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

DataSplits load_digits(const DatasetRequest& request) {
  return {digits_set(embedded_train_digits(), request.dtype), digits_set(embedded_test_digits(), request.dtype)};
}

DataSplits load_idx(const DatasetRequest& request) {
  const IdxSplit train = read_idx_split(request.config.path, "train");
  const IdxSplit test = read_idx_split(request.config.path, "t10k");
  if (train.images.rows != test.images.rows || train.images.columns != test.images.columns)
    throw UserError("data", request.config.path + ": expected train and t10k images of one size, got " +
                                std::to_string(train.images.rows) + "x" + std::to_string(train.images.columns) +
                                " and " + std::to_string(test.images.rows) + "x" + std::to_string(test.images.columns) +
                                " (bytes 8 to 15)");
  const std::int64_t largest = std::max(*std::max_element(train.labels.begin(), train.labels.end()),
                                        *std::max_element(test.labels.begin(), test.labels.end()));
  const std::int64_t classes = std::max<std::int64_t>(10, largest + 1);
  return {idx_set(train, classes, request.dtype), idx_set(test, classes, request.dtype)};
}

DataSplits load_libsvm(const DatasetRequest& request) {
  const std::string& path = request.config.path;
  const LibsvmTable table = parse_libsvm(read_text(path), path);
  const LibsvmLabels labels = find_labels(table, path);
  const auto set = [&](const at::Tensor& inputs, const at::Tensor& signs) {
    return std::make_shared<TensorDataset>(inputs.to(request.dtype), signs.to(request.dtype), 0, request.dtype);
  };
  const auto signs_of = [&](const LibsvmTable& rows, const std::string& name) {
    const auto signs = sign_labels(rows, labels, name);
    return tensor_of(signs, {static_cast<std::int64_t>(signs.size())}, at::kDouble);
  };

  const std::string test_path = path + ".t";
  if (std::filesystem::exists(test_path)) {
    const LibsvmTable test = parse_libsvm(read_text(test_path), test_path);
    const std::int64_t features = std::max({table.features, test.features, 1});
    return {set(dense_features(table, features, path), signs_of(table, path)),
            set(dense_features(test, features, test_path), signs_of(test, test_path))};
  }
  const at::Tensor inputs = dense_features(table, std::max(table.features, 1), path), signs = signs_of(table, path);
  const std::uint64_t seed = named_seed(request.run_seed, "data.split");
  const auto part = [&](bool test) {
    const auto rows = split_rows(inputs.size(0), seed, test);
    const auto index = tensor_of(rows, {static_cast<std::int64_t>(rows.size())}, at::kLong);
    return set(inputs.index_select(0, index), signs.index_select(0, index));
  };
  return {part(false), part(true)};
}

DataSplits load_synthetic_logistic(const DatasetRequest& request) {
  const std::int64_t samples = request.config.samples, features = request.config.features;
  if (samples < 1 || features < 1 || samples > kLargestDense / features)
    throw UserError("data", "expected 1 to 2^28 synthetic values, got " + std::to_string(samples) + " samples of " +
                                std::to_string(features) + " features");
  const auto problem = make_synthetic_logistic(samples, features, named_seed(request.run_seed, "data.synthetic"));
  const auto train = std::make_shared<TensorDataset>(
      tensor_of(problem.features, {samples, features}, at::kDouble).to(request.dtype),
      tensor_of(problem.labels, {samples}, at::kDouble).to(request.dtype), 0, request.dtype);
  return {train, train};
}

}  // namespace gradquake::data

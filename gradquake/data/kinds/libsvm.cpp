#include "gradquake/data/libsvm.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/input_file.h"
#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/random.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {
namespace {

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

DataSplits load_libsvm(const DatasetRequest& request) {
  const std::string& path = request.spec.text("path");
  const LibsvmTable table = parse_libsvm(read_text(path), path);
  const bool numbers = request.spec.has("targets") && request.spec.text("targets") == "numbers";
  const LibsvmLabels labels = numbers ? LibsvmLabels{} : find_labels(table, path);
  const auto set = [&](const at::Tensor& inputs, const at::Tensor& targets) {
    const at::Tensor x = inputs.to(request.dtype), y = targets.to(request.dtype);
    return numbers ? std::make_shared<TensorDataset>(x, y) : std::make_shared<TensorDataset>(x, y, 0, request.dtype);
  };
  const auto targets_of = [&](const LibsvmTable& rows, const std::string& name) {
    const auto targets = numbers ? rows.labels : sign_labels(rows, labels, name);
    return tensor_of(targets, {static_cast<std::int64_t>(targets.size())}, at::kDouble);
  };

  const std::string test_path = path + ".t";
  if (std::filesystem::exists(test_path)) {
    const LibsvmTable test = parse_libsvm(read_text(test_path), test_path);
    const std::int64_t features = std::max({table.features, test.features, 1});
    return {set(dense_features(table, features, path), targets_of(table, path)),
            set(dense_features(test, features, test_path), targets_of(test, test_path))};
  }
  const at::Tensor inputs = dense_features(table, std::max(table.features, 1), path), targets = targets_of(table, path);
  const std::uint64_t seed = named_seed(request.run_seed, "data.split");
  const auto part = [&](bool test) {
    const auto rows = split_rows(inputs.size(0), seed, test);
    const auto index = tensor_of(rows, {static_cast<std::int64_t>(rows.size())}, at::kLong);
    return set(inputs.index_select(0, index), targets.index_select(0, index));
  };
  return {part(false), part(true)};
}

}  // namespace

DatasetKind libsvm() {
  return {{.name = "libsvm",
           .summary = "a LIBSVM file of two labels, taken as -1 and +1, or of numbers",
           .parameters = {Parameter::path("path", "a file"),
                          Parameter::choice("targets", {"labels", "numbers"},
                                            "what stands first in a line; numbers: for regression; else labels")
                              .optional()}},
          load_libsvm};
}

}  // namespace gradquake::data::kinds

#include "gradquake/data/synthetic_linear.h"

#include <algorithm>

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {
namespace {

DataSplits load_synthetic_linear(const DatasetRequest& request) {
  const std::int64_t train = request.spec.integer("samples"), features = request.spec.integer("features"),
                     outputs = request.spec.integer("outputs");
  const std::int64_t samples = train + std::max<std::int64_t>(1, train / 4);
  if (samples > kLargestDense / std::max(features, outputs) || features > kLargestDense / outputs) {
    throw UserError("data", "expected at most 2^28 synthetic values, got " + std::to_string(samples) + " samples of " +
                                std::to_string(features) + " features and " + std::to_string(outputs) + " outputs");
  }
  const auto problem = make_synthetic_linear(samples, features, outputs, request.spec.number("noise"),
                                             named_seed(request.run_seed, "data.synthetic"));
  const at::Tensor x = tensor_of(problem.features, {samples, features}, at::kDouble).to(request.dtype);
  const at::Tensor y = tensor_of(problem.targets, {samples, outputs}, at::kDouble).to(request.dtype);
  const auto part = [&](std::int64_t first, std::int64_t rows) {
    return std::make_shared<TensorDataset>(x.narrow(0, first, rows), y.narrow(0, first, rows));
  };
  return {part(0, train), part(train, samples - train)};
}

}  // namespace

DatasetKind synthetic_linear() {
  return {{.name = "synthetic_linear",
           .summary = "a generated regression problem: numbers linear in the features, with noise",
           .parameters = {Parameter::integer("samples", "for training; a quarter as many more are the test set")
                              .between(1, kLargestDense)
                              .by_default(2000),
                          Parameter::integer("features", "of a sample").between(1, kLargestDense).by_default(10),
                          Parameter::integer("outputs", "numbers of a target").between(1, kLargestDense).by_default(1),
                          Parameter::number("noise", "standard deviation, a target's own is about 1")
                              .in(Range::non_negative())
                              .by_default(0.1)}},
          load_synthetic_linear};
}

}  // namespace gradquake::data::kinds

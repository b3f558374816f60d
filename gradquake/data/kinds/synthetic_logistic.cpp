#include "gradquake/data/synthetic_logistic.h"

#include "gradquake/core/error.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {
namespace {

DataSplits load_synthetic_logistic(const DatasetRequest& request) {
  const std::int64_t samples = request.spec.integer("samples"), features = request.spec.integer("features");
  if (samples < 1 || features < 1 || samples > kLargestDense / features)
    throw UserError("data", "expected 1 to 2^28 synthetic values, got " + std::to_string(samples) + " samples of " +
                                std::to_string(features) + " features");
  const auto problem = make_synthetic_logistic(samples, features, named_seed(request.run_seed, "data.synthetic"));
  const auto train = std::make_shared<TensorDataset>(
      tensor_of(problem.features, {samples, features}, at::kDouble).to(request.dtype),
      tensor_of(problem.labels, {samples}, at::kDouble).to(request.dtype), 0, request.dtype);
  return {train, train};
}

}  // namespace

DatasetKind synthetic_logistic() {
  return {{.name = "synthetic_logistic",
           .summary = "the paper's generated logistic problem, labels -1 and +1",
           .parameters = {Parameter::integer("samples", "M").between(1, kLargestDense).by_default(2000),
                          Parameter::integer("features", "d").between(1, kLargestDense).by_default(10)}},
          load_synthetic_logistic};
}

}  // namespace gradquake::data::kinds

#include "gradquake/train/objective.h"

#include <ATen/ATen.h>

#include "gradquake/core/error.h"
#include "gradquake/train/kinds/objectives.h"

namespace gradquake::train {
namespace {

class Accuracy : public Metric {
 public:
  explicit Accuracy(RightRows right) : right_(right) {}
  std::string name() const override { return "accuracy"; }
  void add(const at::Tensor& output, const data::Batch& batch) override {
    const at::Tensor right = right_(output, batch);
    right_rows_ += right.sum().item<std::int64_t>();
    rows_ += right.numel();
  }
  std::optional<double> value() const override {
    if (rows_ == 0) return std::nullopt;
    return static_cast<double>(right_rows_) / static_cast<double>(rows_);
  }

 private:
  RightRows right_;
  std::int64_t right_rows_ = 0, rows_ = 0;
};

class RSquared : public Metric {
 public:
  std::string name() const override { return "r_squared"; }
  void add(const at::Tensor& output, const data::Batch& batch) override {
    const std::int64_t rows = batch.rows();
    const at::Tensor target = batch.target().to(at::kDouble).reshape({rows, -1});
    // Sums about the first target: those about 0 would cancel where the mean is large.
    if (!origin_.defined()) origin_ = target[0].clone();
    const at::Tensor moved = target - origin_;
    const at::Tensor sum = moved.sum(0), squares = moved.square().sum(0);
    sum_ = sum_.defined() ? sum_ + sum : sum;
    squares_ = squares_.defined() ? squares_ + squares : squares;
    residual_ += (output.to(at::kDouble).reshape({rows, -1}) - target).square().sum().item<double>();
    rows_ += rows;
  }
  std::optional<double> value() const override {
    if (rows_ == 0) return std::nullopt;
    const double spread = (squares_ - sum_.square() / static_cast<double>(rows_)).sum().item<double>();
    if (!(spread > 0)) return std::nullopt;
    return 1 - residual_ / spread;
  }

 private:
  at::Tensor origin_, sum_, squares_;
  double residual_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace

Metric::~Metric() = default;
Objective::~Objective() = default;

at::Tensor Objective::loss(const at::Tensor& output, const data::Batch& batch) const {
  return per_sample(output, batch).mean();
}

void Objective::check(const at::Tensor&, const data::Batch&) const {}

std::unique_ptr<Metric> Objective::metric(data::TargetKind) const { return nullptr; }

std::optional<LossBounds> Objective::bounds(std::int64_t) const { return std::nullopt; }

Registry<ObjectiveFactory>& objectives() {
  static Registry<ObjectiveFactory> registry(
      "objective", {kinds::cross_entropy_objective(), kinds::mse_objective(), kinds::mae_objective(),
                    kinds::huber_objective(), kinds::logistic_objective(), kinds::output_objective()});
  return registry;
}

std::shared_ptr<const Objective> make_objective(const KindSpec& spec) {
  const KindSpec complete = objectives().complete(spec);
  std::shared_ptr<const Objective> objective = objectives().factory(complete.kind)(complete);
  if (!objective)
    throw UserError("train", "expected an objective from the factory of '" + complete.kind + "', got none");
  return objective;
}

std::unique_ptr<Metric> accuracy_metric(RightRows right) { return std::make_unique<Accuracy>(right); }

std::unique_ptr<Metric> r_squared_metric() { return std::make_unique<RSquared>(); }

}  // namespace gradquake::train

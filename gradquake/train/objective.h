// Objectives: from a network's output and its batch to a loss, and to the metric that belongs to it. The built-in ones,
// a file each in kinds/:
//
// * cross_entropy: -ln softmax(output)[target]; output [rows, classes, ...] or [rows, ..., classes] (where both fit,
//   the latter), target int64 [rows, ...]
// * mse: mean_k (output_k - target_k)^2; targets of numbers, of the output's size; classes one-hot
// * mae: mean_k |output_k - target_k|; likewise
// * huber: mean_k of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), e = output_k - target_k; likewise
// * logistic: ln(1 + exp(output)); output [rows] = f1 = -y h^T w, the paper's (53),(54)
// * output: the output itself; the network computes its loss, one a row or their mean
//
// Each is the loss of one sample; what is trained is the mean over the batch. A split batch weighs each part by its
// rows, so an objective of one's own must be a mean over samples too.
//
//   struct Hinge : gradquake::train::Objective {
//     bool takes(data::TargetKind kind) const override { return kind == data::TargetKind::kSigns; }
//     at::Tensor per_sample(const at::Tensor& output, const data::Batch& batch) const override {
//       return at::relu(1 - output.flatten() * batch.target());
//     }
//   };
//   train::objectives().add({"hinge", "max(0, 1 - y f)"}, [](const KindSpec&) { return std::make_shared<Hinge>(); });
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"

namespace gradquake::train {

// A figure of merit over a whole data set, added up batch by batch. Null where it is not defined.
class GRADQUAKE_EXPORT Metric {
 public:
  virtual ~Metric();
  virtual std::string name() const = 0;  // a field of evaluations.jsonl, e.g. "accuracy"
  virtual void add(const at::Tensor& output, const data::Batch& batch) = 0;
  virtual std::optional<double> value() const = 0;
};

// Bounds on the loss of a sample as a function of its output, whatever the target, where each of the `outputs` numbers
// has its own term: what a network that is linear in its parameters needs for L and mu in closed form (docs/theory.md
// 4).
struct LossBounds {
  std::string name;                               // of the problem that a linear network makes of it
  double least_curvature = 0, curvature = 0;      // of the second derivative; the largest is attained
  std::optional<double> slope, curvature_change;  // largest |first| and |third| derivative; absent: unbounded
};

class GRADQUAKE_EXPORT Objective {
 public:
  virtual ~Objective();
  virtual bool takes(data::TargetKind targets) const = 0;
  // The output holds the label (model/model.h).
  virtual bool label_inside() const { return false; }

  // The loss of each sample, [rows].
  virtual at::Tensor per_sample(const at::Tensor& output, const data::Batch& batch) const = 0;
  // Their mean, a scalar: the same by default, or a fused kernel's.
  virtual at::Tensor loss(const at::Tensor& output, const data::Batch& batch) const;
  // Throws UserError where the shapes or types of an output and its batch do not fit. Called in the dry run.
  virtual void check(const at::Tensor& output, const data::Batch& batch) const;

  // A fresh count, or null where none belongs to the objective.
  virtual std::unique_ptr<Metric> metric(data::TargetKind targets) const;
  virtual std::optional<LossBounds> bounds(std::int64_t outputs) const;
};

// The share of rows, in [0, 1], for which `right` holds; and 1 - sum (target - output)^2 / sum (target - mean)^2, the
// mean that of each number of the target over the data set.
using RightRows = at::Tensor (*)(const at::Tensor& output, const data::Batch& batch);
GRADQUAKE_EXPORT std::unique_ptr<Metric> accuracy_metric(RightRows right);
GRADQUAKE_EXPORT std::unique_ptr<Metric> r_squared_metric();

using ObjectiveFactory = std::function<std::shared_ptr<const Objective>(const KindSpec&)>;
GRADQUAKE_EXPORT Registry<ObjectiveFactory>& objectives();

// make_objective("mse"), make_objective({"huber", {{"delta", 0.5}}}). Throws std::invalid_argument as
// KindGroup::complete does.
GRADQUAKE_EXPORT std::shared_ptr<const Objective> make_objective(const KindSpec& spec);

}  // namespace gradquake::train

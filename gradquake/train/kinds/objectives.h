// The built-in objectives, one file each, for the table in objective.cpp; and what they share. Internal to train/.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "gradquake/train/objective.h"

namespace gradquake::train::kinds {

using ObjectiveKind = Registry<ObjectiveFactory>::Kind;

ObjectiveKind cross_entropy_objective();
ObjectiveKind huber_objective();
ObjectiveKind logistic_objective();
ObjectiveKind mae_objective();
ObjectiveKind mse_objective();
ObjectiveKind output_objective();

std::string shape_text(const at::Tensor& tensor);  // "[8, 10]"
bool is_class_target(const at::Tensor& target);    // integers
// Throws UserError unless every class is one of 0 .. classes - 1.
void expect_classes(const std::string& objective, const at::Tensor& target, std::int64_t classes);
// Whether an output is [rows, ..., classes] for targets [rows, ...], as language models have it, and not LibTorch's
// [rows, classes, ...]; where both fit (as many classes as tokens), it is.
bool classes_come_last(const at::Tensor& output, const at::Tensor& target);
at::Tensor classes_second(const at::Tensor& output, const at::Tensor& target);  // [rows, classes, ...] of either
std::unique_ptr<Metric> class_accuracy();                                       // of either

// The mean over a sample's numbers of a loss of each; targets have the output's size, classes are taken one-hot.
class Elementwise : public Objective {
 public:
  explicit Elementwise(std::string name) : name_(std::move(name)) {}
  bool takes(data::TargetKind) const override { return true; }
  at::Tensor per_sample(const at::Tensor& output, const data::Batch& batch) const override;
  at::Tensor loss(const at::Tensor& output, const data::Batch& batch) const override;
  void check(const at::Tensor& output, const data::Batch& batch) const override;
  std::unique_ptr<Metric> metric(data::TargetKind targets) const override;

 protected:
  // The loss of each number, or with at::Reduction::Mean their mean.
  virtual at::Tensor elements(const at::Tensor& output, const at::Tensor& target, std::int64_t reduction) const = 0;

 private:
  std::string name_;
};

}  // namespace gradquake::train::kinds

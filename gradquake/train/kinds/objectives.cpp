#include "gradquake/train/kinds/objectives.h"

#include <sstream>

#include "gradquake/core/error.h"

namespace gradquake::train::kinds {
namespace {

at::Tensor wanted_output(const at::Tensor& output, const data::Batch& batch) {
  const at::Tensor& target = batch.target();
  if (is_class_target(target)) return at::one_hot(target, output.size(1)).to(output.scalar_type());
  return target.to(output.scalar_type()).reshape(output.sizes());
}

}  // namespace

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

bool is_class_target(const at::Tensor& target) { return at::isIntegralType(target.scalar_type(), false); }

void expect_classes(const std::string& objective, const at::Tensor& target, std::int64_t classes) {
  const auto least = target.min().item<std::int64_t>(), most = target.max().item<std::int64_t>();
  if (least >= 0 && most < classes) return;
  throw UserError("train", "objective " + objective + ": expected classes from 0 to " + std::to_string(classes - 1) +
                               ", the outputs there are, got " + std::to_string(least < 0 ? least : most));
}

bool classes_come_last(const at::Tensor& output, const at::Tensor& target) {
  return output.dim() >= 3 && output.dim() == target.dim() + 1 &&
         output.sizes().slice(1, static_cast<std::size_t>(target.dim() - 1)) == target.sizes().slice(1);
}

at::Tensor classes_second(const at::Tensor& output, const at::Tensor& target) {
  return classes_come_last(output, target) ? output.movedim(-1, 1) : output;
}

std::unique_ptr<Metric> class_accuracy() {
  return accuracy_metric([](const at::Tensor& output, const data::Batch& batch) {
    return classes_second(output, batch.target()).argmax(1).eq(batch.target());
  });
}

at::Tensor Elementwise::per_sample(const at::Tensor& output, const data::Batch& batch) const {
  return elements(output, wanted_output(output, batch), at::Reduction::None).reshape({output.size(0), -1}).mean(1);
}

at::Tensor Elementwise::loss(const at::Tensor& output, const data::Batch& batch) const {
  return elements(output, wanted_output(output, batch), at::Reduction::Mean);
}

void Elementwise::check(const at::Tensor& output, const data::Batch& batch) const {
  const at::Tensor& target = batch.target();
  const bool classes = is_class_target(target), rows = output.dim() >= 1 && output.size(0) == target.size(0);
  const bool fits = classes ? output.dim() == 2 && target.dim() == 1 : output.numel() == target.numel();
  if (!rows || !fits) {
    throw UserError("train", "objective " + name_ + ": expected an output " +
                                 (classes ? "[rows, classes]" : "of the targets' size") + ", got an output " +
                                 shape_text(output) + " and targets " + shape_text(target));
  }
  if (classes) expect_classes(name_, target, output.size(1));
}

std::unique_ptr<Metric> Elementwise::metric(data::TargetKind targets) const {
  switch (targets) {
    case data::TargetKind::kClasses:
      return class_accuracy();
    case data::TargetKind::kSigns:
      return accuracy_metric([](const at::Tensor& output, const data::Batch& batch) {
        return output.reshape({-1}).mul(batch.target()).gt(0);
      });
    case data::TargetKind::kReal:
      break;
  }
  return r_squared_metric();
}

}  // namespace gradquake::train::kinds

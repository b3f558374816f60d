#include "gradquake/data/kinds/named_tensors.h"

#include <algorithm>

#include "gradquake/core/error.h"

namespace gradquake::data::kinds {
namespace {

[[noreturn]] void refuse_set(const std::string& path, const std::string& message) {
  throw UserError("data", path + ": " + message);
}

TargetKind targets_in(const std::string& path, const NamedTensors& tensors) {
  const at::Tensor& target = tensors.at("target");
  if (target.is_floating_point()) return TargetKind::kReal;
  if (target.numel() == 0) refuse_set(path, "expected at least one target, got none");
  const auto least = target.min().item<std::int64_t>();
  if (least >= 0) return TargetKind::kClasses;
  if (target.dim() == 1 && target.abs().eq(1).all().item<bool>()) return TargetKind::kSigns;
  refuse_set(path, "expected targets of integers to be classes from 0 on, or labels -1 and +1, got one of " +
                       std::to_string(least));
}

void expect_tensors(const std::string& path, const NamedTensors& tensors) {
  if (tensors.count("target") == 0) refuse_set(path, "expected a tensor 'target', got none");
  if (tensors.size() < 2) refuse_set(path, "expected a tensor 'input' beside 'target', got none");
  for (const auto& [name, tensor] : tensors)
    if (tensor.dim() == 0) refuse_set(path, "expected '" + name + "' [rows, ...], got a single number");
}

std::shared_ptr<Dataset> set_of(const NamedTensors& tensors, TargetKind targets, std::int64_t classes,
                                const DatasetRequest& request) {
  Batch::Tensors rows;
  for (const auto& [name, tensor] : tensors) {
    const bool target = name == "target";
    if (target && targets == TargetKind::kClasses)
      rows.emplace_back(name, tensor.to(at::kLong));
    else if (target || tensor.is_floating_point())
      rows.emplace_back(name, tensor.to(request.dtype));
    else if (tensor.scalar_type() == at::kByte)
      rows.emplace_back(name, tensor.to(request.dtype).div(request.spec.number("byte_divisor")));
    else
      rows.emplace_back(name, tensor);
  }
  const auto input = std::find_if(rows.begin(), rows.end(), [](const auto& one) { return one.first == "input"; });
  const auto other = std::find_if(rows.begin(), rows.end(), [](const auto& one) { return one.first != "target"; });
  DataShape shape;
  shape.sample = (input == rows.end() ? other : input)->second.sizes().slice(1).vec();
  if (targets == TargetKind::kClasses) shape.classes = classes;
  if (targets == TargetKind::kReal) shape.target = tensors.at("target").sizes().slice(1).vec();
  return std::make_shared<TensorDataset>(Batch(std::move(rows)), std::move(shape));
}

}  // namespace

DataSplits splits_of(const std::string& path, const NamedTensors& train, const std::optional<NamedTensors>& test,
                     const DatasetRequest& request) {
  expect_tensors(path, train);
  const TargetKind targets = targets_in(path, train);
  std::int64_t classes = 0;
  const auto count = [&](const NamedTensors& set) {
    if (targets == TargetKind::kClasses) classes = std::max(classes, set.at("target").max().item<std::int64_t>() + 1);
  };
  count(train);
  if (test) {
    expect_tensors(path, *test);
    if (targets_in(path, *test) != targets) refuse_set(path, "expected train and test targets of one kind, got two");
    count(*test);
  }
  if (request.spec.has("classes") && targets == TargetKind::kClasses) {
    const std::int64_t said = request.spec.integer("classes");
    if (classes > said) {
      refuse_set(
          path, "expected targets below data.classes " + std::to_string(said) + ", got " + std::to_string(classes - 1));
    }
    classes = said;
  }
  const auto first = set_of(train, targets, classes, request);
  return {first, test ? set_of(*test, targets, classes, request) : first};
}

std::vector<Parameter> named_tensor_parameters() {
  return {
      Parameter::integer("classes", "of targets that are integers; null: the largest plus one").at_least(1).or_null(),
      Parameter::number("byte_divisor", "what inputs of bytes are divided by").in(Range::positive()).by_default(1.0)};
}

}  // namespace gradquake::data::kinds

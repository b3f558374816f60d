#include "gradquake/train/objective.h"

#include <ATen/ATen.h>

#include "gradquake/core/error.h"

namespace gradquake::train {

ObjectiveKind objective_from_name(const std::string& name) {
  if (name == "cross_entropy") return ObjectiveKind::kCrossEntropy;
  if (name == "mse") return ObjectiveKind::kMse;
  if (name == "logistic") return ObjectiveKind::kLogistic;
  throw UserError("train", "expected an objective cross_entropy, mse or logistic, got " + name);
}

at::Tensor objective_loss(ObjectiveKind kind, const at::Tensor& output, const at::Tensor& target) {
  switch (kind) {
    case ObjectiveKind::kCrossEntropy:
      return at::cross_entropy_loss(output, target);
    case ObjectiveKind::kMse: {
      const bool classes = target.dim() == 1 && output.dim() == 2;
      const at::Tensor wanted = classes ? at::one_hot(target, output.size(1)).to(output.scalar_type()) : target;
      return at::mse_loss(output, wanted.view_as(output));
    }
    case ObjectiveKind::kLogistic:
      break;
  }
  // softplus(x) = -ln sigmoid(-x); at::softplus turns linear beyond 20, an error of 2e-9 that a recursion would see.
  return -at::log_sigmoid(-output).mean();
}

std::int64_t count_correct(ObjectiveKind kind, const at::Tensor& output, const at::Tensor& target) {
  if (kind == ObjectiveKind::kLogistic) return output.lt(0).sum().item<std::int64_t>();
  return output.argmax(1).eq(target).sum().item<std::int64_t>();
}

}  // namespace gradquake::train

#include "gradquake/monitor/known.h"

#include <cmath>

namespace gradquake::monitor {
namespace {

std::optional<double> if_finite(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> known_norm(const StepRecord& record) {
  if (record.clean_grad_norm) return if_finite(*record.clean_grad_norm);
  if (record.forward_fired || record.backward_fired) return std::nullopt;
  return if_finite(record.grad_norm);
}

std::optional<double> known_loss(const StepRecord& record) {
  if (record.clean_loss) return if_finite(*record.clean_loss);
  if (record.forward_fired) return std::nullopt;
  return if_finite(record.loss);
}

}  // namespace gradquake::monitor

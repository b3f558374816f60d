#include "gradquake/report/curves.h"

#include <limits>

#include "gradquake/report/record_json.h"

namespace gradquake::report {

Curves read_curves(const std::filesystem::path& steps_jsonl) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  Curves curves;
  for (const StepLine& line : read_records<StepLine>(steps_jsonl)) {
    curves.loss.push_back(line.loss);
    curves.clean_loss.push_back(line.clean_loss.value_or(kUnknown));
    curves.grad_norm.push_back(line.grad_norm);
    curves.clean_grad_norm.push_back(line.clean_grad_norm.value_or(kUnknown));
  }
  return curves;
}

}  // namespace gradquake::report

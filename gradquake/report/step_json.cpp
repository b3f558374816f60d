#include <cmath>

#include "gradquake/report/json_text.h"
#include "gradquake/report/optional_json.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {

StepLine step_line(const StepRecord& record, bool spike) {
  return {.step = record.step,
          .epoch = record.epoch,
          .loss = record.loss,
          .learning_rate = record.learning_rate,
          .grad_norm = record.grad_norm,
          .clean_loss = record.clean_loss,
          .clean_grad_norm = record.clean_grad_norm,
          .grad_error = record.grad_error,
          .finite = record.finite && std::isfinite(record.loss) && std::isfinite(record.grad_norm),
          .spike = spike,
          .injections = static_cast<std::int64_t>(record.injections.size())};
}

std::string to_line(const StepLine& step) {
  return JsonText()
      .field("step", step.step)
      .field("epoch", step.epoch)
      .field("loss", step.loss)
      .field("learning_rate", step.learning_rate)
      .field("grad_norm", step.grad_norm)
      .field("clean_loss", step.clean_loss)
      .field("clean_grad_norm", step.clean_grad_norm)
      .field("grad_error", step.grad_error)
      .field("finite", step.finite)
      .field("spike", step.spike)
      .field("injections", step.injections)
      .take();
}

template <>
StepLine from_line(const nlohmann::json& line) {
  return {.step = line.at("step"),
          .epoch = line.at("epoch"),
          .loss = number_at(line, "loss"),
          .learning_rate = number_at(line, "learning_rate"),
          .grad_norm = number_at(line, "grad_norm"),
          .clean_loss = optional_at<double>(line, "clean_loss"),
          .clean_grad_norm = optional_at<double>(line, "clean_grad_norm"),
          .grad_error = optional_at<double>(line, "grad_error"),
          .finite = line.at("finite"),
          .spike = line.at("spike"),
          .injections = line.at("injections")};
}

}  // namespace gradquake::report

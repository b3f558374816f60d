#include "gradquake/report/curves.h"

#include <fmt/format.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "gradquake/core/error.h"
#include "gradquake/report/optional_json.h"

namespace gradquake::report {

Curves read_curves(const std::filesystem::path& steps_jsonl) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  Curves curves;
  std::ifstream file(steps_jsonl);
  for (std::string text; std::getline(file, text);) {
    try {
      const auto line = nlohmann::json::parse(text);
      const auto value = [&](const char* key) { return optional_at<double>(line, key).value_or(kUnknown); };
      curves.loss.push_back(value("loss"));
      curves.clean_loss.push_back(value("clean_loss"));
      curves.grad_norm.push_back(value("grad_norm"));
      curves.clean_grad_norm.push_back(value("clean_grad_norm"));
    } catch (const nlohmann::json::exception& error) {
      throw UserError("report", fmt::format("expected a step's record at {}:{}, got {}", steps_jsonl.string(),
                                            curves.loss.size() + 1, error.what()));
    }
  }
  return curves;
}

}  // namespace gradquake::report

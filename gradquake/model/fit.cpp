#include "gradquake/model/fit.h"

#include <algorithm>

#include "gradquake/core/error.h"

namespace gradquake::model {
namespace {

constexpr std::int64_t kLargestWeight = std::int64_t{1} << 30;

}  // namespace

std::int64_t flat_features(const ModelInput& input) {
  std::int64_t features = 1;
  for (const auto size : input.sample) features *= size;
  return features;
}

std::int64_t output_features(const ModelInput& input) {
  return input.classes > 0 ? input.classes : std::max<std::int64_t>(1, input.numbers);
}

void expect_images(const std::string& kind, const ModelInput& input) {
  if (input.sample.size() != 3)
    throw UserError("model", kind + ": expected images [channels, rows, columns], got samples of " +
                                 std::to_string(input.sample.size()) + " dimension" +
                                 (input.sample.size() == 1 ? "" : "s"));
}

void expect_fitting_widths(const std::string& kind, const std::vector<std::int64_t>& widths, const ModelInput& input) {
  if (widths.size() < 2)
    throw UserError("model", kind + ": expected widths of an input and an output at least, got " +
                                 std::to_string(widths.size()) + " of them");
  if (widths.front() != flat_features(input))
    throw UserError("model", kind + ": expected a first width of " + std::to_string(flat_features(input)) +
                                 ", the data's features, got " + std::to_string(widths.front()));
  if (widths.back() != output_features(input))
    throw UserError("model", kind + ": expected a last width of " + std::to_string(output_features(input)) +
                                 (input.classes > 0   ? ", the data's classes, got "
                                  : input.numbers > 0 ? ", the numbers of a target, got "
                                                      : " for labels -1 / +1, got ") +
                                 std::to_string(widths.back()));
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) expect_weight_size(kind, widths[i + 1], widths[i]);
}

void expect_weight_size(const std::string& kind, std::int64_t rows, std::int64_t columns) {
  if (rows < 1 || columns < 1 || rows > kLargestWeight / columns)
    throw UserError("model", kind + ": expected an operator of 1 to 2^30 weights, got " + std::to_string(rows) + " x " +
                                 std::to_string(columns));
}

}  // namespace gradquake::model

#include <algorithm>
#include <set>

#include "gradquake/core/error.h"
#include "gradquake/data/input_file.h"
#include "gradquake/data/kinds/datasets.h"
#include "gradquake/data/tensor_dataset.h"

namespace gradquake::data::kinds {
namespace {

std::vector<std::int32_t> bytes_of(const std::string& text) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(text.size());
  for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
  return tokens;
}

// UTF-8. Throws UserError, naming the byte, where it is none.
std::vector<std::int32_t> code_points(const std::string& text, const std::string& path) {
  std::vector<std::int32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : (lead & 0xF0U) == 0xE0U     ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    auto point = static_cast<std::int32_t>(length == 1 ? lead : lead & (0xFFU >> (length + 1)));
    bool whole = length > 0 && i + length <= text.size();
    for (std::size_t k = 1; whole && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      whole = (next & 0xC0U) == 0x80U;
      point = point << 6 | (next & 0x3F);
    }
    // Not the shortest form, half of a pair of UTF-16, or beyond the last code point.
    const std::int32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0;
    whole = whole && point >= least && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    if (!whole)
      throw UserError("data", path + ": expected UTF-8 at byte " + std::to_string(i) +
                                  ", got another encoding (tokens: bytes takes any)");
    points.push_back(point);
    i += length;
  }
  return points;
}

// Numbered in the order of their code points.
std::int64_t number_characters(std::vector<std::int32_t>& points) {
  const std::set<std::int32_t> distinct(points.begin(), points.end());
  const std::vector<std::int32_t> order(distinct.begin(), distinct.end());
  for (std::int32_t& point : points)
    point = static_cast<std::int32_t>(std::lower_bound(order.begin(), order.end(), point) - order.begin());
  return static_cast<std::int64_t>(order.size());
}

DataSplits load_text(const DatasetRequest& request) {
  const std::string& path = request.spec.text("path");
  const std::int64_t length = request.spec.integer("sequence_length");
  const std::string text = read_text(path);
  const bool characters = request.spec.text("tokens") == "characters";
  std::vector<std::int32_t> numbers = characters ? code_points(text, path) : bytes_of(text);
  const std::int64_t vocabulary = characters ? number_characters(numbers) : 256;
  const auto count = static_cast<std::int64_t>(numbers.size());
  const at::Tensor tokens = tensor_of(numbers, {count}, at::kInt).to(at::kLong);
  // Each sample is the tokens behind those of the sample before it; the last tokens of the file are for testing.
  const auto windows = [&](std::int64_t first, std::int64_t end) {
    const std::int64_t rows = (end - first - 1) / length;
    const auto view = [&](std::int64_t shift) {
      return tokens.narrow(0, first + shift, rows * length).view({rows, length});
    };
    return std::make_shared<TensorDataset>(Batch({{"input", view(0)}, {"target", view(1)}}),
                                           DataShape{{length}, vocabulary});
  };
  const auto tested = static_cast<std::int64_t>(request.spec.number("test_share") * static_cast<double>(count));
  const std::int64_t middle = count - tested;
  if (middle < length + 1) {
    throw UserError("data", path + ": expected more than sequence_length " + std::to_string(length) +
                                " tokens to train on, got " + std::to_string(middle));
  }
  const auto train = windows(0, middle);
  return {train, tested < length + 1 ? train : windows(middle, count)};
}

}  // namespace

DatasetKind text() {
  return {
      {.name = "text",
       .summary = "a text file, cut into sequences; the target of a token is the next one",
       .parameters = {Parameter::path("path", "a file"),
                      Parameter::choice(
                          "tokens", {"bytes", "characters"},
                          "bytes: 256 classes; characters: those that the file has, in the order of their code points")
                          .by_default("characters"),
                      Parameter::integer("sequence_length", "tokens a sample")
                          .between(1, 1 << 20)
                          .by_default(64)
                          .in_units("tokens"),
                      Parameter::number("test_share", "of the tokens, the last of the file; 0: train is test")
                          .in(Range::between(0, 0.9))
                          .by_default(0.1)}},
      load_text};
}

}  // namespace gradquake::data::kinds

#include "gradquake/data/libsvm.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "gradquake/core/error.h"

namespace gradquake::data {
namespace {

constexpr std::int64_t kLargestIndex = 10'000'000;
constexpr std::string_view kBlanks = " \t\r\v\f";

[[noreturn]] void fail(const std::string& name, std::size_t line, const std::string& message) {
  throw UserError("data", name + ":" + std::to_string(line) + ": " + message);
}

std::string quoted(std::string_view word) {
  std::string text = "'";
  for (const char c : word.substr(0, 40)) text += c >= ' ' && c <= '~' ? c : '.';
  return text + (word.size() > 40 ? "...'" : "'");
}

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string_view next_word(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return rest = {};
  const std::size_t end = std::min(rest.find_first_of(kBlanks, start), rest.size());
  const std::string_view word = rest.substr(start, end - start);
  rest.remove_prefix(end);
  return word;
}

bool parse_number(std::string_view word, double& value) {
  // from_chars knows no leading plus, and "+-1" is no number.
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size() && std::isfinite(value);
}

class Parser {
 public:
  explicit Parser(const std::string& name) : name_(name) {}

  void read_line(std::string_view text, std::size_t line) {
    text = text.substr(0, text.find('#'));
    const std::string_view label = next_word(text);
    if (label.empty()) return;
    double value = 0;
    if (!parse_number(label, value)) fail(name_, line, "expected a label (a finite number), got " + quoted(label));
    table_.labels.push_back(value);
    table_.lines.push_back(line);
    std::int64_t previous = 0;
    for (auto word = next_word(text); !word.empty(); word = next_word(text))
      previous = read_entry(word, previous, line);
    table_.row_ends.push_back(table_.entries.size());
  }

  LibsvmTable finish(std::size_t lines) {
    if (table_.labels.empty()) fail(name_, lines, "expected at least one sample, got none");
    return std::move(table_);
  }

 private:
  std::int64_t read_entry(std::string_view word, std::int64_t previous, std::size_t line) {
    const std::size_t colon = std::min(word.find(':'), word.size());
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + colon, index);
    if (colon == word.size() || colon == 0 || error != std::errc{} || end != word.data() + colon || index < 1 ||
        index > kLargestIndex)
      fail(name_, line, "expected index:value with an index from 1 to 10000000, got " + quoted(word));
    if (index <= previous)
      fail(name_, line,
           "expected ascending indices, got " + std::to_string(index) + " after " + std::to_string(previous));
    double value = 0;
    if (!parse_number(word.substr(colon + 1), value))
      fail(name_, line, "expected a finite number after the colon, got " + quoted(word));
    table_.entries.push_back({static_cast<std::int32_t>(index - 1), value});
    table_.features = std::max(table_.features, static_cast<std::int32_t>(index));
    return index;
  }

  const std::string& name_;
  LibsvmTable table_;
};

}  // namespace

LibsvmTable parse_libsvm(const std::string& text, const std::string& name) {
  Parser parser(name);
  std::size_t line = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    parser.read_line(std::string_view(text).substr(start, end - start), ++line);
    start = end + 1;
  }
  return parser.finish(line);
}

LibsvmLabels find_labels(const LibsvmTable& table, const std::string& name) {
  const double first = table.labels.front();
  const auto other = std::find_if(table.labels.begin(), table.labels.end(), [&](double y) { return y != first; });
  if (other == table.labels.end())
    fail(name, table.lines.back(), "expected two different labels, got only " + shortest(first));
  for (std::size_t row = 0; row < table.labels.size(); ++row)
    if (table.labels[row] != first && table.labels[row] != *other)
      fail(name, table.lines[row], "expected two different labels, got a third, " + shortest(table.labels[row]));
  return {std::min(first, *other), std::max(first, *other)};
}

std::vector<double> sign_labels(const LibsvmTable& table, const LibsvmLabels& labels, const std::string& name) {
  std::vector<double> signs;
  signs.reserve(table.labels.size());
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const double label = table.labels[row];
    if (label != labels.negative && label != labels.positive)
      fail(name, table.lines[row],
           "expected label " + shortest(labels.negative) + " or " + shortest(labels.positive) +
               " as in the training file, got " + shortest(label));
    signs.push_back(label == labels.positive ? 1.0 : -1.0);
  }
  return signs;
}

}  // namespace gradquake::data

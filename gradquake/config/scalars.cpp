#include "gradquake/config/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>

namespace gradquake::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::size_t skip_digits(std::string_view text, std::size_t from) {
  while (from < text.size() && is_digit(text[from])) ++from;
  return from;
}

// [+-]? (digits [. digits?] | . digits) ([eE] [+-]? digits)?
bool is_decimal(std::string_view text) {
  std::size_t at = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  const std::size_t whole_end = skip_digits(text, at);
  std::size_t digits = whole_end - at;
  at = whole_end;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction_end = skip_digits(text, at + 1);
    digits += fraction_end - at - 1;
    at = fraction_end;
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent_end = skip_digits(text, at);
    if (exponent_end == at) return false;
    at = exponent_end;
  }
  return at == text.size();
}

// std::from_chars knows no leading plus.
std::string_view without_plus(std::string_view text) { return text.starts_with('+') ? text.substr(1) : text; }

}  // namespace

std::optional<double> parse_number(const std::string& text) {
  if (!is_decimal(text)) return std::nullopt;
  const std::string_view digits = without_plus(text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_integer(const std::string& text) {
  if (!is_decimal(text)) return std::nullopt;
  const std::string_view digits = without_plus(text);
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), integer);
  if (error == std::errc() && end == digits.data() + digits.size()) return integer;
  if (text.find_first_of(".eE") == std::string::npos) return std::nullopt;
  const std::optional<double> number = parse_number(text);
  if (!number || *number != std::trunc(*number) || std::abs(*number) > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

bool looks_like_number(const std::string& text) {
  if (is_decimal(text)) return true;
  std::string word(text.substr(0, 6));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return word == ".nan" || word == ".inf" || word == "-.inf" || word == "+.inf";
}

std::string write_number(double value) {
  const double size = std::abs(value);
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     fixed ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer.data(), written.ptr);
  // YAML 1.1 readers take `1e-09` for text.
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

std::string write_text(const std::string& text) {
  const auto plain_character = [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '/';
  };
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  constexpr std::array kTaken = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  if (!text.empty() && (is_letter(text[0]) || text[0] == '/' || text[0] == '_') &&
      std::all_of(text.begin(), text.end(), plain_character) &&
      std::find(kTaken.begin(), kTaken.end(), lower) == kTaken.end())
    return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else
      quoted += c;
  }
  return quoted + '"';
}

}  // namespace gradquake::config

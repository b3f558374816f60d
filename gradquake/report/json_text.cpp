#include "gradquake/report/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gradquake::report {
namespace {

template <typename Number>
std::string_view shortest(std::array<char, 32>& space, Number value) {
  const auto end = std::to_chars(space.data(), space.data() + space.size(), value).ptr;
  return {space.data(), static_cast<std::size_t>(end - space.data())};
}

bool is_plain(char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; }

}  // namespace

std::string quoted(std::string_view value) {
  if (std::all_of(value.begin(), value.end(), is_plain)) return '"' + std::string(value) + '"';
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonText::key(std::string_view name) {
  text_ += text_.empty() ? "{\"" : ",\"";
  text_ += name;
  text_ += "\":";
}

JsonText& JsonText::field(std::string_view name, double value) {
  if (!std::isfinite(value)) return null(name);
  std::array<char, 32> space;
  const auto digits = shortest(space, value);
  key(name);
  text_ += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) text_ += ".0";
  return *this;
}

JsonText& JsonText::field(std::string_view name, std::int64_t value) {
  std::array<char, 32> space;
  return raw(name, shortest(space, value));
}

JsonText& JsonText::field(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }

JsonText& JsonText::field(std::string_view name, std::string_view value) { return raw(name, quoted(value)); }

JsonText& JsonText::raw(std::string_view name, std::string_view json) {
  key(name);
  text_ += json;
  return *this;
}

std::string JsonText::take() {
  text_ += text_.empty() ? "{}" : "}";
  return std::move(text_);
}

}  // namespace gradquake::report

#include "gradquake/hooks/sites/beneath.h"

#include <algorithm>
#include <cctype>

namespace gradquake {
namespace {

constexpr std::string_view kInput = "input";
constexpr std::string_view kSaved = "saved";

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

// Behind the last colon: the part up to the first dot, and what follows the dot.
struct Parts {
  std::string_view head, tail;
  bool dotted = false;
};

Parts parts_of(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view behind = name.substr(colon + 1);
  const std::size_t dot = behind.find('.');
  if (dot == std::string_view::npos) return {behind, {}, false};
  return {behind.substr(0, dot), behind.substr(dot + 1), true};
}

bool is_input_name(std::string_view name) {
  const Parts parts = parts_of(name);
  return parts.head == kInput && (!parts.dotted || is_number(parts.tail));
}

bool mentions(std::string_view pattern, std::string_view kind) {
  return pattern.find(':' + std::string(kind)) != std::string_view::npos;
}

}  // namespace

std::string input_name(std::string_view owner, std::size_t which, std::size_t count) {
  std::string name = std::string(owner) + ':' + std::string(kInput);
  return count > 1 ? name + '.' + std::to_string(which) : name;
}

std::string saved_name(std::string_view owner, std::size_t which) {
  return std::string(owner) + ':' + std::string(kSaved) + '.' + std::to_string(which);
}

bool lies_beneath(std::string_view name) {
  const Parts parts = parts_of(name);
  if (!parts.dotted) return parts.head == kInput;
  return !parts.head.empty() && std::all_of(parts.head.begin(), parts.head.end(), is_word);
}

bool is_saved_name(std::string_view name) {
  const Parts parts = parts_of(name);
  return parts.head == kSaved && is_number(parts.tail);
}

bool asks_for(std::string_view pattern, std::string_view name) {
  if (is_input_name(name)) return mentions(pattern, kInput);
  if (is_saved_name(name)) return mentions(pattern, kSaved);
  return !lies_beneath(name) || pattern.find(':') != std::string_view::npos;
}

bool asks_for_inputs_or_saved(std::string_view pattern) {
  return mentions(pattern, kInput) || mentions(pattern, kSaved);
}

}  // namespace gradquake

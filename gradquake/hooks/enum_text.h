// An enumeration and its words, printed and read in one place:
//
//   template <>
//   struct EnumTexts<Direction> {
//     static constexpr std::array<std::pair<Direction, const char*>, 3> table = {{{Direction::kForward, "forward"},
//     ...}};
//   };
//   to_text(Direction::kForward)            "forward"
//   from_text<Direction>("forward")         throws std::invalid_argument for another word
//   texts_of<Direction>()                   every word, in the table's order
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gradquake {

template <class Enum>
struct EnumTexts;

template <class Enum>
std::vector<std::string> texts_of() {
  std::vector<std::string> texts;
  for (const auto& [value, text] : EnumTexts<Enum>::table) texts.emplace_back(text);
  return texts;
}

template <class Enum>
requires requires { EnumTexts<Enum>::table; }
std::string to_text(Enum wanted) {
  for (const auto& [value, text] : EnumTexts<Enum>::table)
    if (value == wanted) return text;
  throw std::invalid_argument("[hooks] expected a value of its enumeration, got " +
                              std::to_string(static_cast<int>(wanted)));
}

template <class Enum>
Enum from_text(std::string_view wanted) {
  std::string known;
  for (const auto& [value, text] : EnumTexts<Enum>::table) {
    if (text == wanted) return value;
    known.append(known.empty() ? "" : ", ").append(text);
  }
  throw std::invalid_argument("[hooks] expected one of " + known + ", got '" + std::string(wanted) + "'");
}

}  // namespace gradquake

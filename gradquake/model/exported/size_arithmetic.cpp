#include "gradquake/model/exported/size_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "gradquake/model/exported/refusal.h"

namespace gradquake::model::exported {
namespace {

using Arguments = const std::vector<c10::IValue>&;

double real(const c10::IValue& value) {
  if (value.isDouble()) return value.toDouble();
  return value.isBool() ? static_cast<double>(value.toBool()) : static_cast<double>(value.toInt());
}

std::int64_t quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) refuse("division by zero in the arithmetic of sizes");
  if (b == -1) return -a;  // the one quotient that may overflow traps
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}

template <class F>
c10::IValue arithmetic(Arguments arguments, F f) {
  if (arguments[0].isInt() && arguments[1].isInt()) return f(arguments[0].toInt(), arguments[1].toInt());
  return f(real(arguments[0]), real(arguments[1]));
}

c10::IValue power(Arguments a) {
  const double result = std::pow(real(a[0]), real(a[1]));
  if (a[0].isInt() && a[1].isInt() && a[1].toInt() >= 0) return static_cast<std::int64_t>(result);
  return result;
}

c10::IValue negative(Arguments a) {
  if (a[0].isInt()) return -a[0].toInt();
  return -a[0].toDouble();
}

c10::IValue integer(Arguments a) { return static_cast<std::int64_t>(real(a[0])); }

const std::map<std::string_view, SizeFunction>& functions() {
  static const std::map<std::string_view, SizeFunction> table{
      {"add", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x + y; }); }}},
      {"sub", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x - y; }); }}},
      {"mul", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x * y; }); }}},
      {"sym_max", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return std::max(x, y); }); }}},
      {"sym_min", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return std::min(x, y); }); }}},
      {"eq", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x == y; }); }}},
      {"ne", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x != y; }); }}},
      {"lt", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x < y; }); }}},
      {"le", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x <= y; }); }}},
      {"gt", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x > y; }); }}},
      {"ge", {2, [](Arguments a) { return arithmetic(a, [](auto x, auto y) { return x >= y; }); }}},
      {"floordiv", {2, [](Arguments a) -> c10::IValue { return quotient(a[0].toInt(), a[1].toInt()); }}},
      {"mod",
       {2,
        [](Arguments a) -> c10::IValue { return a[0].toInt() - quotient(a[0].toInt(), a[1].toInt()) * a[1].toInt(); }}},
      {"truediv", {2, [](Arguments a) -> c10::IValue { return real(a[0]) / real(a[1]); }}},
      {"pow", {2, power}},
      {"neg", {1, negative}},
      {"pos", {1, [](Arguments a) { return a[0]; }}},
      {"and_", {2, [](Arguments a) -> c10::IValue { return a[0].toBool() && a[1].toBool(); }}},
      {"or_", {2, [](Arguments a) -> c10::IValue { return a[0].toBool() || a[1].toBool(); }}},
      {"sym_not", {1, [](Arguments a) -> c10::IValue { return !a[0].toBool(); }}},
      {"sym_int", {1, integer}},
      {"trunc", {1, integer}},
      {"sym_float", {1, [](Arguments a) -> c10::IValue { return real(a[0]); }}},
      {"sym_sqrt", {1, [](Arguments a) -> c10::IValue { return std::sqrt(real(a[0])); }}},
      {"sym_ite", {3, [](Arguments a) { return a[0].toBool() ? a[1] : a[2]; }}},
  };
  return table;
}

}  // namespace

const SizeFunction* size_function(const std::string& target) {
  for (const std::string_view module : {"_operator.", "math.", "torch."}) {
    if (!target.starts_with(module)) continue;
    const auto found = functions().find(std::string_view(target).substr(module.size()));
    if (found != functions().end()) return &found->second;
  }
  return nullptr;
}

}  // namespace gradquake::model::exported

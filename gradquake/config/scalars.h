// What a plain scalar means as a number, and how numbers and text are written so that they read back the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gradquake::config {

// Decimal, with optional sign, fraction and exponent. nullopt: not a number, or not finite in float64.
std::optional<double> parse_number(const std::string& text);

// A decimal integer within int64; or a number with a zero fraction (`1e3`, `5.0`) of at most 2^53 in size.
std::optional<std::int64_t> parse_integer(const std::string& text);

// Decimal syntax, whatever the size, or one of YAML's `.inf`, `-.inf`, `.nan`.
bool looks_like_number(const std::string& text);

// The shortest decimal that reads back as the same float64, always with a point: 0.05, 1.0, 1.0e-09.
std::string write_number(double value);

// Plain where that cannot be taken for anything else, in double quotes where it could.
std::string write_text(const std::string& text);

}  // namespace gradquake::config

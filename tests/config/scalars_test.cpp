#include "gradquake/config/scalars.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace gradquake::config {
namespace {

TEST(ScalarsTest, ReadsDecimalNumbers) {
  EXPECT_EQ(parse_number("3"), 3.0);
  EXPECT_EQ(parse_number("+.5"), 0.5);
  EXPECT_EQ(parse_number("-5."), -5.0);
  EXPECT_EQ(parse_number("1.0e-3"), 1e-3);
  EXPECT_EQ(parse_number("1E+3"), 1000.0);
  EXPECT_EQ(parse_number("5e-324"), std::numeric_limits<double>::denorm_min());
}

TEST(ScalarsTest, RefusesWhatIsNotAFiniteDecimal) {
  for (const char* text :
       {"",    "+",   ".",   "e3",   "1e",   "1e+",   "0x10",  "1_000",  "1,5",    " 1",       "1 ", "--1",
        "+-1", "nan", "inf", ".nan", ".inf", "-.inf", "1e999", "-1e999", "1e-999", "infinity", "1f"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

TEST(ScalarsTest, ReadsIntegersToTheEndsOfInt64) {
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_integer("9007199254740993"), 9007199254740993);
  EXPECT_FALSE(parse_integer("9223372036854775808"));
  EXPECT_FALSE(parse_integer("-9223372036854775809"));
}

TEST(ScalarsTest, ReadsExactFloatsAsIntegersOnlyUpTo2ToThe53) {
  EXPECT_EQ(parse_integer("1e3"), 1000);
  EXPECT_EQ(parse_integer("5.0"), 5);
  EXPECT_EQ(parse_integer("9007199254740992.0"), 9007199254740992);
  EXPECT_FALSE(parse_integer("1e16"));
  EXPECT_FALSE(parse_integer("0.5"));
  EXPECT_FALSE(parse_integer("1e-1"));
}

TEST(ScalarsTest, WritesNumbersWithAPoint) {
  EXPECT_EQ(write_number(0.05), "0.05");
  EXPECT_EQ(write_number(1), "1.0");
  EXPECT_EQ(write_number(1e-9), "1.0e-09");
  EXPECT_EQ(write_number(1.5e20), "1.5e+20");
  EXPECT_EQ(write_number(1e15), "1000000000000000.0");
  EXPECT_EQ(write_number(-0.0), "-0.0");
}

TEST(ScalarsTest, ReadsBackEveryFloat64ItWrites) {
  std::mt19937_64 bits(7);
  for (int i = 0; i < 200'000; ++i) {
    const double value = std::bit_cast<double>(bits());
    if (!std::isfinite(value)) continue;
    const std::optional<double> read = parse_number(write_number(value));
    ASSERT_TRUE(read) << write_number(value);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*read), std::bit_cast<std::uint64_t>(value)) << write_number(value);
  }
}

TEST(ScalarsTest, QuotesTextThatYamlCouldTakeForSomethingElse) {
  for (const char* text : {"digits-mlp", "runs/a.b_c", "/data/x", "mlp"}) EXPECT_EQ(write_text(text), text);
  for (const char* text : {"", "null", "True", "yes", "NO", "5", "1e3", "-a", ".inf", "~", "a b", "a:", "*", "[x]"}) {
    EXPECT_EQ(write_text(text), '"' + std::string(text) + '"');
  }
  EXPECT_EQ(write_text("a\"\\\n\tb"), R"("a\"\\\n\tb")");
}

}  // namespace
}  // namespace gradquake::config

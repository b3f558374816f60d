// Tidy CSV.
#include "gradquake/report/csv.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "gradquake/core/error.h"

namespace gradquake::report {
namespace {

std::string row_of(const std::vector<CsvField>& fields) {
  std::ostringstream out;
  CsvWriter(out, std::vector<std::string>(fields.size(), "x"), CsvWriter::Header::kSkip).row(fields);
  return out.str();
}

TEST(CsvTest, AHeaderAndItsRows) {
  std::ostringstream out;
  CsvWriter csv(out, {"sigma", "seed", "direction", "biased"});
  csv.row({0.1, 3, "forward", true});
  csv.row({2.0, std::int64_t{-4}, std::string("backward"), false});
  EXPECT_EQ(out.str(), "sigma,seed,direction,biased\n0.1,3,forward,true\n2,-4,backward,false\n");
}

TEST(CsvTest, CommasQuotesAndLineBreaksAreQuoted) {
  EXPECT_EQ(row_of({"a,b", "say \"so\"", "two\nlines", "plain text"}),
            "\"a,b\",\"say \"\"so\"\"\",\"two\nlines\",plain text\n");
}

TEST(CsvTest, MissingValuesAreEmptyAndNonFiniteOnesAreNamed) {
  EXPECT_EQ(row_of({std::nullopt, std::optional<double>(), std::optional<double>(0.5),
                    std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}),
            ",,0.5,inf,nan\n");
}

TEST(CsvTest, DoublesReadBackToTheSameBits) {
  for (const double value : {1.0 / 3, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2}) {
    EXPECT_EQ(std::stod(row_of({value})), value);
  }
}

TEST(CsvTest, ARowOfTheWrongWidthIsRefused) {
  std::ostringstream out;
  CsvWriter csv(out, {"a", "b"});
  EXPECT_THROW(csv.row({1}), UserError);
  EXPECT_EQ(out.str(), "a,b\n");
}

TEST(CsvTest, AContinuedFileGetsNoSecondHeader) {
  std::ostringstream out;
  CsvWriter(out, {"a"}).row({1});
  CsvWriter(out, {"a"}, CsvWriter::Header::kSkip).row({2});
  EXPECT_EQ(out.str(), "a\n1\n2\n");
}

TEST(CsvTest, AFailedStreamIsReported) {
  std::ostringstream out;
  CsvWriter csv(out, {"a"});
  out.setstate(std::ios::badbit);
  EXPECT_THROW(csv.row({1}), std::ios_base::failure);
}

}  // namespace
}  // namespace gradquake::report

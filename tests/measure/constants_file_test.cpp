// The constants file and the documents made of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gradquake/cli/theory_report.h"
#include "gradquake/core/error.h"
#include "gradquake/measure/constants_file.h"
#include "gradquake/theory/convergence.h"

namespace gradquake::measure {

using namespace cli;
namespace {

using Json = nlohmann::ordered_json;

std::string shipped() { return std::string(GRADQUAKE_SOURCE_DIR) + "/configs/theory/constants.yaml"; }

ConstantsFile parse(const std::string& text) {
  config::Document document = config::Document::parse(text, "constants.yaml");
  return read_constants(document);
}

std::string message(const std::string& text) {
  try {
    parse(text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ConstantsFileTest, TheShippedTemplateIsCompleteForEveryVariant) {
  const Json document = bound_json(load_constants(shipped()));
  for (const char* theorem : {"theorem1", "theorem2", "theorem3", "theorem5"}) {
    for (const char* variant : {"printed", "corrected", "sharp", "measured"}) {
      EXPECT_TRUE(document[theorem][variant]["value"].is_number()) << theorem << variant;
    }
  }
}

TEST(ConstantsFileTest, JsonIsReadAsWell) {
  const ConstantsFile file = parse(R"({"operators": 2, "smoothness": 3, "delta": [{"second_moment": 1,
    "mean_squared": 0, "fourth_moment": 1}]})");
  EXPECT_EQ(file.constants.operators, 2);
  EXPECT_DOUBLE_EQ(*file.constants.smoothness, 3);
  EXPECT_DOUBLE_EQ(file.constants.delta[0].frequency, 1);
  EXPECT_FALSE(file.constants.uniform.has_value());
}

TEST(ConstantsFileTest, WhatIsWrittenIsReadBack) {
  ConstantsFile file = load_constants(shipped());
  file.estimates = {{"per_operator.0.c", "power iteration by VJP", 40, 1e-3, std::nullopt}};
  const ConstantsFile again = parse(constants_yaml(file));
  EXPECT_EQ(constants_yaml(again), constants_yaml(file));
  EXPECT_EQ(again.estimates[0].method, "power iteration by VJP");
  EXPECT_EQ(again.constants.per_operator[2].k, file.constants.per_operator[2].k);
}

TEST(ConstantsFileTest, BadConstantsNameTheirPlace) {
  EXPECT_NE(message("smoothness: 1").find("operators"), std::string::npos);
  EXPECT_NE(message("operators: 1").find("constants.yaml:1: operators: expected an integer"), std::string::npos);
  EXPECT_NE(message("operators: 2\nsmoothness: -1").find("constants.yaml:2: smoothness"), std::string::npos);
  EXPECT_NE(message("operators: 2\nsmoothness: .nan").find("constants.yaml:2: smoothness"), std::string::npos);
  EXPECT_NE(message("operators: 2\nsteps: 0").find("constants.yaml:2: steps"), std::string::npos);
  EXPECT_NE(message("operators: 2\nsmoothnes: 1").find("nearest: smoothness"), std::string::npos);
  EXPECT_NE(message("operators: 2\nuniform: {C_grad: 1}").find("uniform.C_hess"), std::string::npos);
  EXPECT_EQ(message("operators: 2\nsmoothness: 1\npl: 2"), "[theory] expected pl (mu) <= smoothness (L) = 1, got 2");
  EXPECT_NE(message("operators: 3\ndelta: [{second_moment: 1, mean_squared: 0, fourth_moment: 1}]")
                .find("2 entries in delta"),
            std::string::npos);
  EXPECT_NE(message("operators: 2\npredict: {alpha: [1, 2], beta: []}").find("predict.beta"), std::string::npos);
}

TEST(TheoryReportTest, TermsAddUpToTheValue) {
  const Json document = bound_json(load_constants(shipped()));
  for (const char* theorem : {"theorem1", "theorem2", "theorem3", "theorem5"}) {
    for (const auto& [variant, bound] : document[theorem].items()) {
      if (variant == "measured" && (theorem == std::string("theorem1") || theorem == std::string("theorem2"))) {
        continue;  // observed as a whole
      }
      double sum = 0;
      for (const auto& [name, value] : bound["terms"].items()) {
        sum += value.get<double>();
      }
      EXPECT_NEAR(sum, bound["value"].get<double>(), 1e-12 * sum) << theorem << variant;
    }
  }
}

TEST(TheoryReportTest, AbsentConstantsGiveNullAndAReason) {
  const Json document = bound_json(parse("operators: 2"));
  EXPECT_TRUE(document["theorem1"]["sharp"]["value"].is_null());
  EXPECT_EQ(document["theorem1"]["sharp"]["reason"], "per_operator constants are absent");
  EXPECT_EQ(document["theorem3"]["printed"]["reason"], "smoothness is absent");
  const Json predictions = predict_json(parse("operators: 2"));
  EXPECT_TRUE(predictions["variants"]["measured"]["plateau_level"]["value"].is_null());
  EXPECT_TRUE(predictions["local"]["value"].is_null());
}

TEST(TheoryReportTest, BeyondOneThirdOverLTheConditionIsStatedAndNoBoundGiven) {
  const ConstantsFile file = load_constants(shipped(), {"step_size=0.5"});
  const Json bounds = bound_json(file);
  EXPECT_EQ(bounds["conditions"][0]["name"], "step_size");
  EXPECT_EQ(bounds["conditions"][0]["holds"], false);
  for (const char* variant : {"printed", "corrected", "sharp", "measured"}) {
    EXPECT_TRUE(bounds["theorem3"][variant]["value"].is_null());
    EXPECT_TRUE(bounds["theorem5"][variant]["reason"].get<std::string>().starts_with("condition does not hold"));
  }
  EXPECT_TRUE(predict_json(file)["variants"]["measured"]["recovery_steps"]["value"].is_null());
}

TEST(TheoryReportTest, PredictionsAndBudgetsOfTheTemplateHaveNumbers) {
  const ConstantsFile file = load_constants(shipped());
  const Json predictions = predict_json(file);
  EXPECT_TRUE(predictions["variants"]["measured"]["plateau_level"]["value"].is_number());
  EXPECT_TRUE(predictions["variants"]["measured"]["steps_to_gradient"]["value"].is_number());
  EXPECT_TRUE(predictions["variants"]["measured"]["recovery_steps"]["value"].is_number());
  EXPECT_TRUE(predictions["local"]["value"].is_number());
  const Json budgets = budget_json(file, 0.1);
  EXPECT_EQ(budgets["magnitude"].size(), 4U * 2 * 4);
  EXPECT_EQ(budgets["step_size"].size(), 5U * 2 * 4);
  for (const Json& row : budgets["magnitude"]) {
    EXPECT_TRUE(row["value"].is_number() || row["variant"] == "measured");
  }
}

TEST(TheoryReportTest, TablesShowTheSameNumbers) {
  const ConstantsFile file = load_constants(shipped());
  const std::string bounds = bound_table(bound_json(file));
  EXPECT_NE(bounds.find("theorem5  measured"), std::string::npos);
  EXPECT_NE(bounds.find("step_size"), std::string::npos);
  EXPECT_NE(budget_table(budget_json(file)).find("occurrences"), std::string::npos);
  EXPECT_NE(predict_table(predict_json(file)).find("plateau_level"), std::string::npos);
}

}  // namespace
}  // namespace gradquake::measure

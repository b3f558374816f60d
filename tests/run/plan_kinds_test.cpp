#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/run/assembly.h"
#include "gradquake/run/plan_report.h"

namespace gradquake::run {
namespace {

// Adds the same to every element: a kind without scale, mean and draw.
class Stamp : public Perturbation {
 public:
  explicit Stamp(double size) : size_(size) {}
  Perturbed apply(const at::Tensor& tensor, const PerturbationContext&) const override {
    return {tensor + size_, std::nullopt};
  }

 private:
  double size_;
};

TEST(PlanKindsTest, ThePlanSaysTheParametersThatAUsersKindHas) {
  perturbations().add({"stamp",
                       "adds sizes",
                       {Parameter::numbers("sizes", "what is added"), Parameter::text("ink", "with what"),
                        Parameter::flag("dry", "when").by_default(true)}},
                      [](const KindSpec& spec) { return std::make_unique<Stamp>(spec.numbers("sizes").at(0)); });
  const RunConfig config = read_run_config(
      config::Document::parse("model: {kind: mlp, widths: [64, 10]}\nrun: {threads: 1, steps: 5}\n"
                              "perturbations: [{sites: layers.0, kind: stamp, sizes: [0.5, 2], ink: red}]\n",
                              "t.yaml"));
  const train::Task task = assemble(config);
  std::ostringstream text;
  print_plan(text, config, task);
  EXPECT_NE(text.str().find("rule 0: forward, stamp sizes [0.5, 2], ink red, dry true\n"), std::string::npos)
      << text.str();
  const auto rule = nlohmann::json::parse(plan_json(config, task)).at("rules").at(0);
  EXPECT_EQ(rule.at("kind"), "stamp");
  EXPECT_EQ(rule.at("sizes"), nlohmann::json({0.5, 2.0}));
  EXPECT_EQ(rule.at("ink"), "red");
  EXPECT_EQ(rule.at("dry"), true);
  EXPECT_FALSE(rule.contains("scale"));
  EXPECT_EQ(rule.at("schedule"), "every step");
}

TEST(PlanKindsTest, ThePlanSaysWhatARuleRemembersAndTheKindWithinIt) {
  const RunConfig config = read_run_config(config::Document::parse(
      "model: {kind: mlp, widths: [64, 10]}\nrun: {threads: 1, steps: 5}\n"
      "perturbations: [{sites: layers.0, kind: error_feedback}, {sites: '*', target: weight, kind: stale, steps: 3}]\n",
      "t.yaml"));
  const train::Task task = assemble(config);
  std::ostringstream text;
  print_plan(text, config, task);
  for (const char* part :
       {"rule 0: forward, with error feedback, keeps the largest 10 % of each sample\n", "  memory    per_sample\n",
        "rule 1: weight, as it was 3 steps before\n", "  memory    per_tensor\n"})
    EXPECT_NE(text.str().find(part), std::string::npos) << text.str();
  const auto rules = nlohmann::json::parse(plan_json(config, task)).at("rules");
  EXPECT_EQ(rules.at(0).at("of"), "{kind: top_k, share: 0.1, count: null, of: sample}");
  EXPECT_EQ(rules.at(0).at("memory"), "per_sample");
  EXPECT_EQ(rules.at(1).at("steps"), 3);
  EXPECT_EQ(rules.at(1).at("memory"), "per_tensor");
}

}  // namespace
}  // namespace gradquake::run

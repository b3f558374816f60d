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

}  // namespace
}  // namespace gradquake::run

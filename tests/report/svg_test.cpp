// The picture of a run: well formed, complete, small, and the same bytes for the same records.
#include "gradquake/report/svg.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include "gradquake/core/error.h"
#include "gradquake/report/record_json.h"

namespace gradquake::report {
namespace {

constexpr double kUnknownValue = std::numeric_limits<double>::quiet_NaN();

SpikeRecord spike_of(std::int64_t step, const std::string& verdict, std::int64_t episode = 0) {
  SpikeRecord spike;
  spike.step = step;
  spike.detector = "robust";
  spike.score = 7;
  spike.grad_norm = 30;
  spike.verdict = verdict;
  spike.episode = episode;
  return spike;
}

RunPicture picture_of(std::size_t steps) {
  RunPicture picture{"run", "Verdict: recovered", {}, {}};
  for (std::size_t t = 0; t < steps; ++t) {
    const double wave = 1 + 0.5 * std::sin(static_cast<double>(t * t % 97));
    const double loss = wave / (1 + static_cast<double>(t) / 50);
    picture.curves.loss.push_back(t % 10 == 0 ? 5 * loss : loss);
    picture.curves.clean_loss.push_back(loss);
    picture.curves.grad_norm.push_back(t % 10 == 0 ? 20 * loss : loss);
    picture.curves.clean_grad_norm.push_back(loss);
  }
  return picture;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// Every tag is closed in turn, no & or < stands outside a tag or an entity.
bool is_well_formed(const std::string& xml) {
  static const std::regex token(R"re(<(/?)([a-z]+)((?:\s+[a-zA-Z-]+="[^"<&]*")*)\s*(/?)>|&(?:amp|lt|gt);|[^<&]+)re");
  std::vector<std::string> open;
  std::size_t at = 0;
  while (at < xml.size()) {
    std::smatch match;
    if (!std::regex_search(xml.begin() + static_cast<std::ptrdiff_t>(at), xml.end(), match, token,
                           std::regex_constants::match_continuous)) {
      return false;
    }
    at += static_cast<std::size_t>(match.length());
    const std::string name = match[2];
    if (name.empty()) continue;
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != name) return false;
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(name);
    }
  }
  return open.empty();
}

// Marks are drawn before the legend, whose samples stand in groups.
std::string drawing(const std::string& svg) { return svg.substr(0, svg.find("<g transform")); }

TEST(SvgTest, IsWellFormedAndTheSameEveryTime) {
  RunPicture picture = picture_of(300);
  picture.spikes = {spike_of(10, "recovered"), spike_of(200, "diverged", 1)};
  const std::string svg = run_svg(picture);
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_FALSE(is_well_formed("<svg><text>a & b</text></svg>")) << "the check itself";
  EXPECT_FALSE(is_well_formed("<svg><text></svg></text>"));
  EXPECT_EQ(svg, run_svg(picture));
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), std::string::npos);
}

TEST(SvgTest, EverySpikeIsAMarkWhoseShapeIsItsVerdict) {
  RunPicture picture = picture_of(300);
  picture.spikes = {spike_of(10, "recovered"),    spike_of(40, "recovered", 1), spike_of(80, "plateau", 2),
                    spike_of(120, "diverged", 3), spike_of(200, "open", 4),     spike_of(201, "open", 4)};
  picture.spikes[0].observed_recovery_steps = 12;
  picture.spikes[1].observed_recovery_steps = 0;
  picture.spikes[3].grad_norm = std::nullopt;  // not finite
  const std::string marks = drawing(run_svg(picture));
  EXPECT_EQ(count(marks, "<use href=\"#recovered\""), 1U);
  EXPECT_EQ(count(marks, "<use href=\"#kept\""), 1U);
  EXPECT_EQ(count(marks, "<use href=\"#plateau\""), 1U);
  EXPECT_EQ(count(marks, "<use href=\"#diverged\""), 1U);
  EXPECT_EQ(count(marks, "<use href=\"#open\""), 2U);
  EXPECT_NE(marks.find("step 10: spike, score 7.0, natural; recovered in 12 steps"), std::string::npos);
}

TEST(SvgTest, NamesAreEscaped) {
  RunPicture picture = picture_of(20);
  picture.title = "a<b> & \"c\"\n";
  picture.spikes = {spike_of(3, "open")};
  picture.spikes[0].causes = {{"<rule>", "x&y", "forward", 1, 0}};
  const std::string svg = run_svg(picture);
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_NE(svg.find("a&lt;b&gt; &amp; \"c\" "), std::string::npos);
  EXPECT_NE(svg.find("by &lt;rule&gt; forward x&amp;y"), std::string::npos);
}

TEST(SvgTest, StaysSmallHoweverLongTheRun) {
  RunPicture picture = picture_of(200000);
  for (std::int64_t step = 0; step < 200000; step += 3) picture.spikes.push_back(spike_of(step, "open", step));
  const std::string svg = run_svg(picture);
  EXPECT_LT(svg.size(), 60000U);
  EXPECT_TRUE(is_well_formed(svg));
}

TEST(SvgTest, AColumnShowsItsHighestStep) {
  RunPicture calm = picture_of(100000), hit = picture_of(100000);
  hit.curves.grad_norm[54321] = 1e6;
  EXPECT_EQ(run_svg(calm).find(">1e+06</text>"), std::string::npos);
  EXPECT_NE(run_svg(hit).find(">1e+06</text>"), std::string::npos) << "the axis reaches it";
}

TEST(SvgTest, UnknownZeroAndEmptyRunsAreDrawn) {
  RunPicture picture = picture_of(50);
  picture.curves.clean_loss.assign(50, kUnknownValue);
  picture.curves.grad_norm.assign(50, 0);
  picture.curves.loss[7] = std::numeric_limits<double>::infinity();
  for (const RunPicture& one : {picture, RunPicture{}}) {
    const std::string svg = run_svg(one);
    EXPECT_TRUE(is_well_formed(svg)) << svg;
    EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
    EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
  }
}

TEST(SvgTest, CurvesAreReadFromTheStepsAndABadLineIsNamed) {
  const auto path = std::filesystem::path(testing::TempDir()) / "gradquake_curves.jsonl";
  StepLine step;
  step.loss = 2.5;
  step.grad_norm = 1.5;
  step.clean_grad_norm = 0.5;
  std::ofstream(path) << to_line(step) << '\n' << "{\"step\":1}\n";
  try {
    read_curves(path);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("gradquake_curves.jsonl:2"), std::string::npos) << error.what();
  }
  std::ofstream(path) << to_line(step) << '\n';
  const Curves curves = read_curves(path);
  EXPECT_EQ(curves.loss, std::vector<double>{2.5});
  EXPECT_TRUE(std::isnan(curves.clean_loss.at(0)));
  EXPECT_EQ(curves.clean_grad_norm, std::vector<double>{0.5});
}

}  // namespace
}  // namespace gradquake::report

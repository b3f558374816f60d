#include "gradquake/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "gradquake/report/print.h"
#include "gradquake/report/svg_text.h"

namespace gradquake::report {
namespace {

constexpr double kWidth = 880, kLeft = 62, kRight = 860;
constexpr double kColumn = 2;  // pixels that share one stroke from lowest to highest

constexpr std::string_view kStyle = R"(<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #59636e }
.title { font-size: 19px; font-weight: 600; fill: #1f2328 }
.name { font-size: 13px; font-weight: 600; fill: #1f2328 }
.paper { fill: #ffffff; stroke: #d1d9e0 }
.grid { stroke: #e6eaee; fill: none }
.axis { stroke: #aeb7c0; fill: none }
.clean { stroke: #0a62c9; stroke-width: 1.3; fill: none; stroke-linejoin: round }
.trained { stroke: #d0873a; stroke-width: 1; fill: none; stroke-linejoin: round }
.episode { fill: #0a62c9; fill-opacity: .1 }
.mark { stroke: #ffffff; stroke-width: 1.2 }
.recovered { fill: #1a7f37 } .plateau { fill: #9a6700 } .diverged { fill: #cf222e } .open { fill: #57606a }
.kept { fill: #ffffff; stroke: #1a7f37; stroke-width: 1.8 }
@media (prefers-color-scheme: dark) {
text { fill: #9aa4b0 } .title, .name { fill: #eef1f4 }
.paper { fill: #12161c; stroke: #323a44 } .grid { stroke: #262d36 } .axis { stroke: #505a66 }
.clean { stroke: #6cb2ff } .trained { stroke: #d29a58 } .episode { fill: #6cb2ff; fill-opacity: .14 }
.mark { stroke: #12161c }
.recovered { fill: #4cc463 } .plateau { fill: #e0b13c } .diverged { fill: #ff7a70 } .open { fill: #a3adb8 }
.kept { fill: #12161c; stroke: #4cc463 }
}
</style>
<defs>
<circle id="recovered" r="4.6" class="mark recovered"/>
<circle id="kept" r="3.8" class="kept"/>
<path id="plateau" d="M-4.3-4.3h8.6v8.6h-8.6z" class="mark plateau"/>
<path id="diverged" d="M-5.6-3.4l2.2-2.2 3.4 3.4 3.4-3.4 2.2 2.2-3.4 3.4 3.4 3.4-2.2 2.2-3.4-3.4-3.4 3.4-2.2-2.2 3.4-3.4z" class="mark diverged"/>
<path id="open" d="M0-5.6l5.4 9.6h-10.8z" class="mark open"/>
</defs>
)";

bool drawable(double value) { return std::isfinite(value) && value > 0; }  // on a logarithmic axis

// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
std::int64_t round_interval(double least) {
  std::int64_t power = 1;
  while (static_cast<double>(power) * 10 < least) power *= 10;
  for (const std::int64_t factor : {1, 2, 5})
    if (static_cast<double>(factor * power) >= least) return factor * power;
  return 10 * power;
}

struct StepAxis {
  std::int64_t last = 1;  // at the right end: the number of steps
  double x(std::int64_t step) const {
    return kLeft + (kRight - kLeft) * static_cast<double>(step) / static_cast<double>(last);
  }
};

// A panel: its place, and the decades it spans.
class Panel {
 public:
  Panel(std::string name, double top, double bottom) : name_(std::move(name)), top_(top), bottom_(bottom) {}

  void include(double value) {
    if (!drawable(value)) return;
    low_ = std::min(low_, std::log10(value));
    high_ = std::max(high_, std::log10(value));
  }
  void include(const std::vector<double>& values) {
    for (const double value : values) include(value);
  }

  // Some air above and below, and half a decade at least.
  void settle() {
    if (low_ > high_) low_ = high_ = 0;
    const double air = std::max(0.04 * (high_ - low_), (0.5 - (high_ - low_)) / 2);
    low_ -= air;
    high_ += air;
  }

  double y(double value) const {  // what is not finite lies at the top
    if (!std::isfinite(value)) return top_;
    return value > 0 ? bottom_ - (bottom_ - top_) * (std::log10(value) - low_) / (high_ - low_) : bottom_;
  }

  double top() const { return top_; }
  double height() const { return bottom_ - top_; }

  std::string frame() const {
    std::string svg = fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"name\">{}</text>\n", kLeft, top_ - 9, name_);
    for (const double value : ticks()) {
      svg += fmt::format(
          "<path class=\"grid\" d=\"M{0:.0f} {1:.1f}H{2:.0f}\"/><text x=\"{3:.0f}\" y=\"{4:.1f}\" "
          "text-anchor=\"end\">{5:g}</text>\n",
          kLeft, y(value), kRight, kLeft - 8, y(value) + 4, value);
    }
    return svg +
           fmt::format("<path class=\"axis\" d=\"M{0:.0f} {1:.0f}V{2:.0f}H{3:.0f}\"/>\n", kLeft, top_, bottom_, kRight);
  }

 private:
  // Powers of ten, with 2 and 5 between them where there are few, at most about eight of them.
  std::vector<double> ticks() const {
    const double decades = high_ - low_;
    const std::vector<double> factors = decades < 2.2 ? std::vector<double>{1, 2, 5} : std::vector<double>{1};
    const int stride = std::max(1, static_cast<int>(std::ceil(decades / 8)));
    std::vector<double> values;
    for (int power = static_cast<int>(std::floor(low_)); power <= high_; ++power) {
      if (power % stride != 0) continue;
      for (const double factor : factors) {
        const double exponent = power + std::log10(factor);
        if (exponent >= low_ && exponent <= high_) values.push_back(factor * std::pow(10.0, power));
      }
    }
    return values;
  }

  std::string name_;
  double top_, bottom_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

// Strings its points together in relative tenths of a pixel, so that errors of rounding do not add up.
class Stroke {
 public:
  void to(double x, double y) {
    const std::int64_t to_x = std::llround(10 * x), to_y = std::llround(10 * y);
    if (down_) {
      if (to_x == x_ && to_y == y_) return;
      path_ += fmt::format("l{} {}", tenths(to_x - x_), tenths(to_y - y_));
    } else {
      path_ += fmt::format("M{} {}", tenths(to_x), tenths(to_y));
    }
    x_ = to_x;
    y_ = to_y;
    down_ = true;
  }
  void lift() { down_ = false; }
  const std::string& path() const { return path_; }

 private:
  static std::string tenths(std::int64_t value) { return fmt::format("{:g}", static_cast<double>(value) / 10); }

  std::string path_;
  std::int64_t x_ = 0, y_ = 0;
  bool down_ = false;
};

// A column's lowest and highest value in the order in which they came; a column without any lifts the pen.
std::string curve(const std::vector<double>& values, const StepAxis& axis, const Panel& panel, const char* style) {
  Stroke stroke;
  const auto column = [&](std::size_t step) {
    return static_cast<std::int64_t>((axis.x(static_cast<std::int64_t>(step)) - kLeft) / kColumn);
  };
  for (std::size_t begin = 0, end = 0; begin < values.size(); begin = end) {
    std::optional<std::size_t> low, high;
    for (end = begin; end < values.size() && column(end) == column(begin); ++end) {
      if (!drawable(values[end])) continue;
      if (!low || values[end] < values[*low]) low = end;
      if (!high || values[end] > values[*high]) high = end;
    }
    if (!low) {
      stroke.lift();
      continue;
    }
    for (const std::size_t step : {std::min(*low, *high), std::max(*low, *high)})
      stroke.to(axis.x(static_cast<std::int64_t>(step)), panel.y(values[step]));
  }
  return fmt::format("<path class=\"{}\" d=\"{}\"/>\n", style, stroke.path());
}

// What is drawn for a verdict; a spike that never left its band has a mark of its own.
std::string mark_of(const SpikeRecord& spike) {
  if (spike.verdict == "recovered") return spike.observed_recovery_steps.value_or(1) == 0 ? "kept" : "recovered";
  return spike.verdict == "plateau" || spike.verdict == "diverged" ? spike.verdict : "open";
}

constexpr std::pair<const char*, const char*> kMarks[] = {{"recovered", "recovered"},
                                                          {"kept", "never left its band"},
                                                          {"plateau", "plateau"},
                                                          {"diverged", "diverged"},
                                                          {"open", "open: the run ended first"}};

std::string outcome_text(const SpikeRecord& spike) {
  if (spike.verdict == "recovered" && spike.observed_recovery_steps)
    return fmt::format("recovered in {} steps", *spike.observed_recovery_steps);
  return spike.verdict;
}

std::string marks(const std::vector<SpikeRecord>& spikes, const StepAxis& axis, const Panel& panel) {
  struct Mark {
    double x, y;
    std::string shape, text;
  };
  const bool few = spikes.size() <= kMostMarks;
  std::map<std::pair<std::int64_t, std::string>, Mark> drawn;
  for (std::size_t i = 0; i < spikes.size(); ++i) {
    const SpikeRecord& spike = spikes[i];
    Mark mark{axis.x(spike.step), panel.y(spike.grad_norm.value_or(std::numeric_limits<double>::infinity())),
              mark_of(spike), few ? spike_text(spike) + "; " + outcome_text(spike) : ""};
    const std::int64_t place = few ? static_cast<std::int64_t>(i) : std::llround(mark.x / (2 * kColumn));
    const auto [found, is_new] = drawn.try_emplace({place, mark.shape}, mark);
    if (!is_new && mark.y < found->second.y) found->second = mark;
  }
  std::string svg;
  for (const auto& [place, mark] : drawn) {
    const std::string hover = mark.text.empty() ? "" : "<title>" + escaped(mark.text) + "</title>";
    svg += fmt::format("<use href=\"#{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</use>\n", mark.shape, mark.x, mark.y, hover);
  }
  return svg;
}

// From an episode's first spike to the step that is back in its band, or to the run's end.
std::string episodes(const std::vector<SpikeRecord>& spikes, const StepAxis& axis, const Panel& above,
                     const Panel& below) {
  struct Extent {
    std::int64_t first, last;
  };
  std::map<std::int64_t, Extent> extents;
  for (const SpikeRecord& spike : spikes) {
    const auto& steps = spike.observed_recovery_steps;
    const std::int64_t end = spike.verdict == "recovered" && steps ? spike.step + *steps : axis.last;
    const auto [found, is_new] = extents.try_emplace(spike.episode, Extent{spike.step, end});
    if (!is_new) found->second = {std::min(found->second.first, spike.step), std::max(found->second.last, end)};
  }
  std::string path;
  std::int64_t reached = -1;  // columns already shaded: a long run's episodes share them
  for (const auto& [number, extent] : extents) {
    const auto left = static_cast<std::int64_t>(axis.x(extent.first));
    const auto right = std::max<std::int64_t>(left + 2, std::llround(axis.x(std::min(extent.last, axis.last))));
    if (right <= reached) continue;
    const std::int64_t from = std::max(left, reached);
    for (const Panel* panel : {&above, &below})
      path += fmt::format("M{} {:.0f}h{}v{:.0f}h{}z", from, panel->top(), right - from, panel->height(), from - right);
    reached = right;
  }
  return path.empty() ? "" : fmt::format("<path class=\"episode\" d=\"{}\"/>\n", path);
}

std::string step_ticks(const StepAxis& axis, double y) {
  std::string svg;
  const std::int64_t interval = round_interval(static_cast<double>(axis.last) / 8);
  for (std::int64_t step = 0; step <= axis.last; step += interval) {
    svg += fmt::format(
        "<path class=\"axis\" d=\"M{0:.1f} {1:.0f}v4\"/><text x=\"{0:.1f}\" y=\"{2:.0f}\" "
        "text-anchor=\"middle\">{3}</text>\n",
        axis.x(step), y, y + 18, step);
  }
  return svg + fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">step</text>\n", (kLeft + kRight) / 2,
                           y + 36);
}

// Samples with their meaning, in rows as they fit.
class Legend {
 public:
  explicit Legend(double y) : y_(y) {}

  void add(const std::string& sample, const char* meaning) {  // the sample is drawn about (10, 0)
    constexpr double kLetter = 6.4;                           // a generous guess: no font is asked
    const double width = 28 + kLetter * static_cast<double>(std::string_view(meaning).size()) + 16;
    if (x_ > kLeft && x_ + width > kRight + 16) {
      x_ = kLeft;
      y_ += 22;
    }
    svg_ += fmt::format("<g transform=\"translate({:.0f} {:.0f})\">{}<text x=\"26\" y=\"4\">{}</text></g>\n", x_, y_,
                        sample, meaning);
    x_ += width;
  }
  const std::string& svg() const { return svg_; }
  double bottom() const { return y_ + 20; }

 private:
  double x_ = kLeft, y_;
  std::string svg_;
};

Legend legend(const std::vector<SpikeRecord>& spikes, double y) {
  Legend legend(y);
  legend.add("<path class=\"clean\" d=\"M0 0h20\"/>", "without perturbation");
  legend.add("<path class=\"trained\" d=\"M0 0h20\"/>", "as trained");
  if (!spikes.empty()) legend.add("<path class=\"episode\" d=\"M0-7h20v14h-20z\"/>", "spike to recovery");
  for (const auto& mark : kMarks) {
    const auto& [shape, meaning] = mark;
    const bool used =
        std::any_of(spikes.begin(), spikes.end(), [&](const auto& spike) { return mark_of(spike) == mark.first; });
    if (used) legend.add(fmt::format("<use href=\"#{}\" x=\"10\"/>", shape), meaning);
  }
  return legend;
}

}  // namespace

std::string run_svg(const RunPicture& picture) {
  const Curves& curves = picture.curves;
  const StepAxis axis{std::max<std::int64_t>(1, static_cast<std::int64_t>(curves.loss.size()))};
  Panel loss("Loss of the batch", 96, 236), norm("Norm of its gradient", 276, 466);
  for (const auto* values : {&curves.loss, &curves.clean_loss}) loss.include(*values);
  for (const auto* values : {&curves.grad_norm, &curves.clean_grad_norm}) norm.include(*values);
  for (const SpikeRecord& spike : picture.spikes) norm.include(spike.grad_norm.value_or(0));
  loss.settle();
  norm.settle();
  const Legend meanings = legend(picture.spikes, 528);

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "role=\"img\">\n<title>{2}: loss and gradient norm over the steps. {3}</title>\n{4}"
      "<rect x=\".5\" y=\".5\" width=\"{5:.0f}\" height=\"{6:.0f}\" rx=\"8\" class=\"paper\"/>\n"
      "<text x=\"{7:.0f}\" y=\"34\" class=\"title\">{2}</text>\n<text x=\"{7:.0f}\" y=\"56\">{3}</text>\n",
      kWidth, meanings.bottom(), escaped(picture.title), escaped(picture.subtitle), kStyle, kWidth - 1,
      meanings.bottom() - 1, kLeft);
  svg += episodes(picture.spikes, axis, loss, norm) + loss.frame() + norm.frame() +
         step_ticks(axis, norm.top() + norm.height());
  svg += curve(curves.loss, axis, loss, "trained") + curve(curves.clean_loss, axis, loss, "clean");
  svg += curve(curves.grad_norm, axis, norm, "trained") + curve(curves.clean_grad_norm, axis, norm, "clean");
  return svg + marks(picture.spikes, axis, norm) + meanings.svg() + "</svg>\n";
}

}  // namespace gradquake::report

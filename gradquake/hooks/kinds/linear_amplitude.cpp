#include "gradquake/hooks/kinds/amplitudes.h"
#include "gradquake/hooks/kinds/schedules.h"

namespace gradquake::kinds {
namespace {

class LinearAmplitude : public Amplitude {
 public:
  explicit LinearAmplitude(const KindSpec& spec)
      : from_(spec.number("from")), to_(spec.number("to")), start_(spec.integer("start")), end_(spec.integer("end")) {}

  double at(std::int64_t step) const override {
    if (step <= start_) return from_;
    if (step >= end_) return to_;
    const double part = static_cast<double>(step - start_) / static_cast<double>(end_ - start_);
    return from_ + part * (to_ - from_);
  }

  std::string describe() const override {
    return short_number(from_) + " to " + short_number(to_) + " over steps " + std::to_string(start_) + " to " +
           std::to_string(end_);
  }

 private:
  double from_, to_;
  std::int64_t start_, end_;
};

}  // namespace

AmplitudeKind linear_amplitude() {
  return {{.name = "linear",
           .summary = "`from` up to step `start`, `to` from step `end` on, a straight line between",
           .parameters = {Parameter::number("from", "the factor before").by_default(1.0),
                          Parameter::number("to", "the factor after").by_default(1.0),
                          Parameter::integer("start", "the last step of `from`").at_least(0).by_default(0),
                          Parameter::integer("end", "the first step of `to`").at_least(1)},
           .check = [](const KindSpec& spec) -> std::optional<KindProblem> {
             const std::int64_t start = spec.integer("start"), end = spec.integer("end");
             if (end > start) return std::nullopt;
             return KindProblem{"end",
                                "expected an integer >= " + std::to_string(start + 1) + ", got " + std::to_string(end)};
           }},
          [](const KindSpec& spec, const ScheduleContext&) { return std::make_unique<LinearAmplitude>(spec); }};
}

}  // namespace gradquake::kinds

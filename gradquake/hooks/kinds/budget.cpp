#include <algorithm>
#include <array>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/random/subset.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace kinds {

enum class Spread { kEven, kRandom };

}  // namespace kinds

template <>
struct EnumTexts<kinds::Spread> {
  static constexpr std::array<std::pair<kinds::Spread, const char*>, 2> table = {
      {{kinds::Spread::kEven, "even"}, {kinds::Spread::kRandom, "random"}}};
};

namespace kinds {
namespace {

constexpr std::uint32_t kSubsetCoins = 1;  // counter word 2 of a coin (kFiringCoins of probability.cpp: 0)

class Budget : public Schedule {
 public:
  Budget(const KindSpec& spec, const ScheduleContext& context)
      : count_(spec.integer("count")), spread_(from_text<Spread>(spec.text("spread"))), given_(spec), window_(spec) {
    if (!window_.until) {
      if (context.run_steps < 1) detail::refuse("schedule budget with until, or a run of known length", "neither");
      window_.until = std::max(context.run_steps, window_.from);
    }
    span_ = *window_.until - window_.from;
    if (count_ > span_) {
      detail::refuse("a schedule whose budget fits its steps",
                     std::to_string(count_) + " in " + std::to_string(span_) + " steps");
    }
    if (spread_ == Spread::kRandom) members_ = random_subset(count_, span_, {context.coin_key, 0, kSubsetCoins});
  }

  bool fires(std::int64_t step) const override {
    if (step < 0 || !window_.contains(step)) return false;
    const std::int64_t i = step - window_.from;
    if (spread_ == Spread::kRandom) return std::binary_search(members_.begin(), members_.end(), i);
    // Some k has floor(k*span/count) == i  <=>  ceil(i*count/span) < ceil((i+1)*count/span).
    return members_before(i) < members_before(i + 1);
  }

  std::string describe() const override {
    return std::to_string(count_) + " times, " + (spread_ == Spread::kEven ? "evenly" : "at random") +
           given_.describe();
  }

 private:
  unsigned __int128 members_before(std::int64_t i) const {
    const auto span = static_cast<unsigned __int128>(span_);
    return (static_cast<unsigned __int128>(i) * static_cast<unsigned __int128>(count_) + span - 1) / span;
  }

  std::int64_t count_, span_ = 0;
  Spread spread_;
  Window given_, window_;
  std::vector<std::int64_t> members_;  // random: steps behind `from`, sorted
};

}  // namespace

ScheduleKind budget_schedule() {
  return {{.name = "budget",
           .summary = "a number of steps of from <= t < until, spread evenly or at random without repetition",
           .parameters = with_window(
               {Parameter::integer("count", "how often it fires").at_least(0),
                Parameter::choice("spread", texts_of<Spread>(), "how the steps are chosen").by_default("even")}),
           .check = check_window,
           .length_dependence = [](const KindSpec& spec) -> std::optional<std::string> {
             if (spec.has("until")) return std::nullopt;
             return "spreads its budget over the whole run";
           }},
          [](const KindSpec& spec, const ScheduleContext& context) { return std::make_unique<Budget>(spec, context); }};
}

}  // namespace kinds
}  // namespace gradquake

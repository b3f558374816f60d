#include "gradquake/hooks/kinds/schedules.h"
#include "gradquake/hooks/random/stream.h"

namespace gradquake::kinds {
namespace {

constexpr std::uint32_t kFiringCoins = 0;  // counter word 2 of a coin (kSubsetCoins of budget.cpp: 1)

class Probability : public Schedule {
 public:
  Probability(const KindSpec& spec, std::uint64_t coin_key) : p_(spec.number("p")), window_(spec), key_(coin_key) {}

  bool fires(std::int64_t step) const override {
    return step >= 0 && window_.contains(step) && uniform_at(make_stream(key_, step, kFiringCoins), 0) < p_;
  }
  bool can_fire(std::int64_t step) const override { return step >= 0 && window_.contains(step) && p_ > 0; }
  std::string describe() const override { return "with probability " + short_number(p_) + window_.describe(); }

 private:
  double p_;
  Window window_;
  std::uint64_t key_;
};

}  // namespace

ScheduleKind probability_schedule() {
  return {{.name = "probability",
           .summary = "at each step of from <= t < until by a coin of its own",
           .parameters = with_window({Parameter::number("p", "probability that a step fires").in(Range::unit())}),
           .check = check_window},
          [](const KindSpec& spec, const ScheduleContext& context) {
            return std::make_unique<Probability>(spec, context.coin_key);
          }};
}

}  // namespace gradquake::kinds

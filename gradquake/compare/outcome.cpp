#include "gradquake/compare/outcome.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gradquake/hooks/plan.h"
#include "gradquake/run/assembly.h"
#include "gradquake/theory/shares.h"
#include "gradquake/train/evaluate.h"
#include "gradquake/train/trainer.h"

namespace gradquake::compare {
namespace {

constexpr std::int64_t kLooks[] = {5, 10, 20, 30};

// The directions that a rule of this arm acts in.
Direction direction_of(Arm arm) {
  return arm == Arm::kForward ? Direction::kForward : arm == Arm::kBackward ? Direction::kBackward : Direction::kBoth;
}

// A network of a seed, perturbed by the one rule of an arm.
WantedNetwork wanted(const CompareConfig& asked, const ComparedKind* kind, Arm arm, std::uint64_t seed) {
  WantedNetwork network{.name = "", .seed = seed, .steps = asked.outcome.steps};
  if (kind == nullptr) return network;
  network.name = kind->label + ", " + to_text(arm);
  network.rules = {{.label = std::string("compare.") + to_text(arm),
                    .sites = asked.sites,
                    .direction = direction_of(arm),
                    .perturbation = kind->at(asked.outcome.relative_size)}};
  return network;
}

template <class Figure>
Interval mean_over(const std::vector<Network>& networks, const Figure& figure) {
  std::vector<double> all;
  for (std::size_t i = 0; i < networks.size(); ++i) all.push_back(figure(networks[i], i));
  return mean_of(all);
}

OutcomeArm arm_of(const std::string& kind, Arm arm, std::vector<Network> networks, const std::vector<Network>& clean) {
  OutcomeArm result;
  result.kind = kind;
  result.arm = arm;
  result.loss = mean_over(networks, [](const Network& one, std::size_t) { return one.loss; });
  result.cost = mean_of(costs_of(networks, clean));
  result.served_cost =
      mean_over(networks, [&](const Network& one, std::size_t i) { return one.served_loss / clean[i].loss - 1; });
  const auto diverged =
      std::count_if(networks.begin(), networks.end(), [](const Network& one) { return one.diverged; });
  const theory::Share share = theory::exact_share(diverged, static_cast<std::int64_t>(networks.size()));
  result.diverged = {share.value, share.low, share.high};
  result.spikes = mean_over(networks, [](const Network& one, std::size_t) { return static_cast<double>(one.spikes); });
  if (std::all_of(networks.begin(), networks.end(), [](const Network& one) { return one.accuracy.has_value(); }))
    result.accuracy = mean_over(networks, [](const Network& one, std::size_t) { return *one.accuracy; });
  result.networks = std::move(networks);
  return result;
}

// Decided where the costs differ at what this look may spend.
Difference difference_of(const OutcomeArm& forward, const OutcomeArm& backward, const OutcomeArm& clean, double level) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < clean.networks.size(); ++i)
    differences.push_back((forward.networks[i].loss - backward.networks[i].loss) / clean.networks[i].loss);
  Difference result{forward.kind, mean_of(differences), "undecided"};
  if (p_of_mean(differences) <= level) result.worse = result.cost.estimate > 0 ? "forward" : "backward";
  return result;
}

std::vector<std::int64_t> looks_of(const OutcomeConfig& config) {
  std::vector<std::int64_t> looks;
  for (const std::int64_t look : kLooks)
    if (look > config.least && look < config.most) looks.push_back(look);
  looks.insert(looks.begin(), config.least);
  if (config.most > config.least) looks.push_back(config.most);
  return looks;
}

constexpr Arm kArms[] = {Arm::kForward, Arm::kBackward, Arm::kBoth};

// The arms after so many seeds: none, then those of each kind.
std::vector<OutcomeArm> train_arms(const CompareConfig& asked, std::uint64_t seed, std::int64_t seeds,
                                   Networks& networks) {
  std::vector<WantedNetwork> list;
  for (std::int64_t k = 0; k < seeds; ++k) {
    const std::uint64_t own = seed + static_cast<std::uint64_t>(k);
    list.push_back(wanted(asked, nullptr, Arm::kNone, own));
    for (const ComparedKind& kind : asked.kinds)
      for (const Arm arm : kArms) list.push_back(wanted(asked, &kind, arm, own));
  }
  const std::vector<Network> trained = networks.train(list);
  const std::size_t columns = 1 + std::size(kArms) * asked.kinds.size();
  std::vector<OutcomeArm> arms;
  std::vector<Network> clean;
  for (std::size_t column = 0; column < columns; ++column) {
    std::vector<Network> own;
    for (std::size_t i = column; i < trained.size(); i += columns) own.push_back(trained[i]);
    if (column == 0) clean = own;
    const ComparedKind* kind = column == 0 ? nullptr : &asked.kinds[(column - 1) / std::size(kArms)];
    arms.push_back(arm_of(kind == nullptr ? "" : kind->label,
                          kind == nullptr ? Arm::kNone : kArms[(column - 1) % std::size(kArms)], std::move(own),
                          clean));
  }
  return arms;
}

}  // namespace

double spent_at(double share) { return std::erfc(1.959963984540054 / std::sqrt(2 * share)); }

Outcome outcome(const CompareConfig& asked, std::uint64_t seed, Networks& networks) {
  for (const ComparedKind& kind : asked.kinds)  // mistakes come out before anything is trained
    networks.check(wanted(asked, &kind, Arm::kBoth, seed));
  Outcome result;
  double spent = 0;
  for (const std::int64_t look : looks_of(asked.outcome)) {
    result.seeds = look;
    result.arms = train_arms(asked, seed, look, networks);
    const double allowed = spent_at(static_cast<double>(look) / static_cast<double>(asked.outcome.most));
    result.differences.clear();
    for (std::size_t k = 0; k < asked.kinds.size(); ++k) {
      const OutcomeArm* const arms = &result.arms[1 + std::size(kArms) * k];
      result.differences.push_back(difference_of(arms[0], arms[1], result.arms[0], allowed - spent));
    }
    spent = allowed;
    const bool decided = std::all_of(result.differences.begin(), result.differences.end(),
                                     [](const Difference& one) { return one.worse != "undecided"; });
    if (decided) break;
  }
  return result;
}

}  // namespace gradquake::compare

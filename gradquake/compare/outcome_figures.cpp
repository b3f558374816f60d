#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gradquake/compare/comparison.h"
#include "gradquake/compare/figures.h"

namespace gradquake::compare {

void print_outcome(std::ostream& out, const Outcome& outcome) {
  std::size_t width = 4;
  for (const OutcomeArm& one : outcome.arms) width = std::max(width, one.kind.size());
  constexpr int kArm = 10;
  out << fmt::format("trained under them, {} seeds\n  {:<{}}  {:<{}}", outcome.seeds, "kind", width, "perturbed", kArm)
      << column("loss") << column("cost") << column("cost, taps on") << column("accuracy") << column("spikes")
      << "diverged\n";
  for (const OutcomeArm& one : outcome.arms) {
    const bool clean = one.arm == Arm::kNone;
    out << fmt::format("  {:<{}}  {:<{}}", clean ? "none" : one.kind, width, clean ? "" : to_text(one.arm), kArm)
        << column(text_of(one.loss)) << column(clean ? "" : text_of(one.cost))
        << column(clean ? "" : text_of(one.served_cost)) << column(text_of(one.accuracy)) << column(text_of(one.spikes))
        << text_of(one.diverged) << '\n';
  }
  for (const Difference& one : outcome.differences) {
    const bool open = one.worse == "undecided";
    out << fmt::format("  {}: {}, cost forward - backward {}\n", one.kind,
                       open ? std::string("undecided") : one.worse + " costs more", text_of(one.cost));
  }
  out << "cost: relative rise of the evaluation loss against the same seed without perturbations; taps off, or on\n";
}

nlohmann::ordered_json outcome_json(const Outcome& outcome) {
  nlohmann::ordered_json json{{"seeds", outcome.seeds}};
  for (const OutcomeArm& one : outcome.arms) {
    json["arms"].push_back({{"kind", one.kind},
                            {"arm", to_text(one.arm)},
                            {"loss", json_of(one.loss)},
                            {"cost", json_of(one.cost)},
                            {"served_cost", json_of(one.served_cost)},
                            {"accuracy", json_of(one.accuracy)},
                            {"spikes", json_of(one.spikes)},
                            {"diverged", json_of(one.diverged)}});
  }
  for (const Difference& one : outcome.differences) {
    json["differences"].push_back(
        {{"kind", one.kind}, {"cost_forward_minus_backward", json_of(one.cost)}, {"worse", one.worse}});
  }
  return json;
}

std::string outcome_csv(const Comparison& comparison) {
  if (!comparison.outcome) return "";
  std::ostringstream text;
  report::CsvWriter csv(text,
                        {"kind", "arm", "seed", "first_loss", "loss", "served_loss", "accuracy", "spikes", "diverged"});
  for (const OutcomeArm& arm : comparison.outcome->arms) {
    for (const Network& network : arm.networks) {
      csv.row({arm.kind, to_text(arm.arm), static_cast<std::int64_t>(network.seed), network.first_loss, network.loss,
               network.served_loss, network.accuracy ? report::CsvField(*network.accuracy) : std::nullopt,
               network.spikes, std::int64_t{network.diverged}});
    }
  }
  return text.str();
}

}  // namespace gradquake::compare

#include "gradquake/compare/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "gradquake/compare/probe_batch.h"
#include "gradquake/core/seeds.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/sites/glob.h"
#include "gradquake/theory/exponents.h"

namespace gradquake::compare {
namespace {

// One rule a site, labelled by it, so that its draws are the same in any company.
Plan plan_of(const train::Task& task, const std::set<std::string>& sites, Direction direction, const KindSpec& kind) {
  std::vector<Rule> rules;
  for (const std::string& site : sites)
    rules.push_back({.label = site, .sites = literal_glob(site), .direction = direction, .perturbation = kind});
  return Plan(std::move(rules), {.seed = named_seed(task.seed, "compare.probe"), .aliases = task.aliases});
}

struct Figures {
  std::vector<double> error, added, signal, norm, cosine, loss, bias;  // by batch, means over draws
};

Figures figures_of(const std::vector<BatchSums>& sums, const std::vector<ProbeBatch>& batches, Chance chance) {
  Figures figures;
  for (std::size_t b = 0; b < sums.size(); ++b) {
    const BatchSums& one = sums[b];
    const double norm = batches[b].clean_squared();
    figures.error.push_back(one.error / one.draws);
    figures.added.push_back(one.added / one.draws);
    figures.signal.push_back(one.signals > 0 ? one.signal / one.signals : 0);
    figures.norm.push_back(norm);
    figures.cosine.push_back(one.cosine / one.draws);
    figures.loss.push_back(one.loss / one.draws / batches[b].clean_loss());
    figures.bias.push_back(one.bias_squared(chance));
  }
  return figures;
}

void set_figures(const Figures& figures, ProbeCell& cell) {
  cell.relative_error = power_of(ratio_of_sums(figures.error, figures.norm), 0.5);
  cell.amplification = ratio_of_sums(figures.error, figures.added);
  const std::vector<double> ones(figures.norm.size(), 1.0);
  cell.bias_squared = ratio_to_mean(figures.bias, figures.norm);
  cell.cosine = ratio_to_mean(figures.cosine, ones);
  cell.loss_change = ratio_to_mean(figures.loss, ones);
  const Interval added = ratio_of_sums(figures.added, figures.signal);
  cell.sqnr_db = Interval{-10 * std::log10(added.estimate), -10 * std::log10(added.high), -10 * std::log10(added.low)};
}

bool narrow(const std::optional<Interval>& figure, double scale, double width) {
  return (figure->high - figure->low) / 2 <= width * std::max(std::abs(figure->estimate), scale);
}

// The scale of a bias is the error it is part of; of a relative change of the loss and of a cosine it is 1.
bool narrow(const ProbeCell& cell, double width) {
  const double error = cell.relative_error->estimate;
  return narrow(cell.relative_error, 0, width) && narrow(cell.amplification, 0, width) &&
         narrow(cell.bias_squared, error * error, width) && narrow(cell.cosine, 1, width) &&
         narrow(cell.loss_change, 1, width);
}

// What is measured of one kind at one size: of a site alone, of all, or of all but one.
struct Result {
  std::int64_t repeats = 0;
  std::string reason;
  Figures figures;
  std::int64_t run = 0;  // operators, forward or backward
};

constexpr std::pair<const char*, std::vector<double> Figures::*> kByBatch[] = {
    {"error", &Figures::error},   {"added", &Figures::added}, {"signal", &Figures::signal}, {"norm", &Figures::norm},
    {"cosine", &Figures::cosine}, {"loss", &Figures::loss},   {"bias", &Figures::bias}};

nlohmann::ordered_json json_of(const Result& result) {
  nlohmann::ordered_json json{{"repeats", result.repeats}, {"reason", result.reason}, {"run", result.run}};
  for (const auto& [name, member] : kByBatch) json[name] = result.figures.*member;
  return json;
}

Result result_of(const nlohmann::json& json) {
  Result result{.repeats = json.at("repeats"), .reason = json.at("reason"), .figures = {}, .run = json.at("run")};
  for (const auto& [name, member] : kByBatch)
    for (const nlohmann::json& one : json.at(name))
      (result.figures.*member).push_back(one.is_null() ? std::nan("") : one.get<double>());
  return result;
}

// Of every site's row: a kind at a size.
struct Column {
  const ComparedKind* kind;
  std::optional<double> size;
  KindSpec spec;
  Chance chance;
};

// Measures on the same batches.
class Measurement {
 public:
  Measurement(const train::Task& task, const CompareConfig& config, std::int64_t operators)
      : task_(task), config_(config), operators_(operators) {
    const std::uint64_t seed = named_seed(task.seed, "compare.probe");
    data::BatchSampler sampler(task.data.train->size(), task.batch_size, named_seed(task.seed, "compare.batches"));
    for (std::int64_t b = 0; b < config.probe.batches; ++b)
      batches_.emplace_back(task, task.data.train->get(sampler.indices(b)).to(task.device),
                            named_seed(seed, std::to_string(b)));
  }

  // Draws at these sites until the figures are narrow enough, of each column. `repeats`: as many, not fewer and not
  // more. `place`: of a single site, from 1 on, in the order of the forward pass.
  std::vector<Result> measure(const std::vector<const Column*>& columns, const std::set<std::string>& sites,
                              Direction direction, std::int64_t place,
                              std::optional<std::int64_t> repeats = std::nullopt) const {
    std::vector<Running> all;
    all.reserve(columns.size());
    for (const Column* column : columns)
      all.push_back({column, plan_of(task_, sites, direction, column->spec), {}, false, {}});
    for (Running& one : all) {
      one.sums.resize(batches_.size());
      one.done = make_perturbation(one.column->spec)->memory().has_value();
      if (one.done) one.result.reason = "it has a memory: measured only by the outcome";
    }
    const auto all_done = [&all] {
      return std::all_of(all.begin(), all.end(), [](const Running& one) { return one.done; });
    };
    for (std::int64_t target = repeats.value_or(config_.probe.least); !all_done();
         target = config_.probe.after(target)) {
      for (std::size_t b = 0; b < batches_.size(); ++b) {
        std::optional<ProbeBatch::Open> open;
        if (sites.size() == 1) {
          open.emplace(batches_[b], *sites.begin(), direction);
          all[0].result.run += direction == Direction::kBackward ? 2 * operators_ : operators_;
        }
        for (Running& one : all)
          if (!one.done) draw(one, b, one.column->chance == Chance::kNone ? 1 : target, sites, direction, open, place);
      }
      for (Running& one : all)
        if (!one.done) conclude(one, target, repeats.has_value());
    }
    std::vector<Result> results;
    for (Running& one : all) results.push_back(std::move(one.result));
    return results;
  }

 private:
  struct Running {
    const Column* column;
    Plan plan;
    std::vector<BatchSums> sums;  // by batch
    bool done;
    Result result;
  };

  void draw(Running& one, std::size_t b, std::int64_t target, const std::set<std::string>& sites, Direction direction,
            std::optional<ProbeBatch::Open>& open, std::int64_t place) const {
    const Chance chance = one.column->chance;
    const std::int64_t passes = chance == Chance::kSymmetric ? 2 : 1;
    while (one.sums[b].members < target) {
      if (open && !open->is_cut()) open.reset();
      const auto repeat = static_cast<std::uint64_t>(one.sums[b].members) * batches_.size() + b;
      batches_[b].add_member(one.plan, chance, sites, direction, open ? &*open : nullptr, repeat, one.sums[b]);
      if (!open)
        one.result.run += passes * 2 * operators_;
      else
        one.result.run += direction == Direction::kBackward ? place : passes * (2 * operators_ - place);
    }
  }

  void conclude(Running& one, std::int64_t target, bool given) const {
    const bool once = one.column->chance == Chance::kNone;
    one.result.repeats = once ? 1 : target;
    one.result.figures = figures_of(one.sums, batches_, one.column->chance);
    const std::vector<double>& error = one.result.figures.error;
    if (std::all_of(error.begin(), error.end(), [](double each) { return each == 0; }))
      one.result.reason =
          one.plan.ledger().warnings().empty() ? "it does not reach the gradient" : "it changed nothing";
    else if (!std::all_of(error.begin(), error.end(), [](double each) { return std::isfinite(each); }))
      one.result.reason = "the gradient is not finite under it";
    ProbeCell cell;
    if (one.result.reason.empty()) set_figures(one.result.figures, cell);
    one.done = once || given || target >= config_.probe.most || !one.result.reason.empty() ||
               narrow(cell, config_.probe.width);
  }

  const train::Task& task_;
  const CompareConfig& config_;
  std::int64_t operators_;
  std::vector<ProbeBatch> batches_;
};

// The cell of a result: its figures, or the reason why there are none.
ProbeCell cell_of(const std::string& site, Direction direction, const Column& column, const Result& result) {
  ProbeCell cell;
  cell.site = site;
  cell.direction = direction;
  cell.kind = column.kind->label;
  cell.relative_size = column.size;
  cell.repeats = result.repeats;
  cell.reason = result.reason;
  if (cell.reason.empty()) set_figures(result.figures, cell);
  return cell;
}

// The cells of one site, direction and kind: from three sizes on the slope of the squared error.
void set_exponent(std::vector<ProbeCell>::iterator first, std::vector<ProbeCell>::iterator last) {
  std::vector<double> sizes, squares;
  for (auto cell = first; cell != last; ++cell) {
    if (!cell->relative_error) continue;
    sizes.push_back(*cell->relative_size);
    squares.push_back(cell->relative_error->estimate * cell->relative_error->estimate);
  }
  if (sizes.size() < 3) return;
  const theory::Exponent slope = theory::fit_exponent(sizes, squares);
  for (auto cell = first; cell != last; ++cell) cell->exponent = Interval{slope.value, slope.low, slope.high};
}

// A cell and its figures by batch, side by side.
struct Measured {
  ProbeCell* cell;
  const Figures* figures;
};

void add_to(std::vector<double>& sums, const std::vector<double>& more) {
  sums.resize(more.size());
  for (std::size_t b = 0; b < more.size(); ++b) sums[b] += more[b];
}

void set_ranks(const std::vector<Measured>& sites) {
  std::vector<std::vector<double>> effects;
  std::vector<ProbeCell*> ranked;
  for (const Measured& one : sites) {
    if (!one.cell->relative_error) continue;
    std::vector<double> effect;
    for (std::size_t b = 0; b < one.figures->error.size(); ++b)
      effect.push_back(one.figures->error[b] / one.figures->norm[b]);
    effects.push_back(std::move(effect));
    ranked.push_back(one.cell);
  }
  const std::vector<Rank> ranks = ranks_of(effects);
  for (std::size_t i = 0; i < ranked.size(); ++i) ranked[i]->rank = ranks[i];
}

std::optional<Interval> depth_slope(const std::vector<Measured>& sites) {
  std::vector<double> powers, amplifications;  // e^depth, as the fit is one of logarithms
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (!sites[i].cell->amplification) continue;
    powers.push_back(std::exp(static_cast<double>(i)));
    amplifications.push_back(sites[i].cell->amplification->estimate);
  }
  constexpr std::size_t kLeastSites = 4;
  if (powers.size() < kLeastSites) return std::nullopt;
  const theory::Exponent slope = theory::fit_exponent(powers, amplifications);
  return Interval{slope.value, slope.low, slope.high};
}

// A column of the sites of one direction, and all of them at once.
Together together_of(const Column& column, Direction direction, const std::vector<Measured>& sites, const Result& all) {
  Figures sum;
  for (const Measured& one : sites) {
    add_to(sum.error, one.figures->error);
    add_to(sum.bias, one.figures->bias);
    add_to(sum.loss, one.figures->loss);
  }
  Together result;
  result.all = cell_of("", direction, column, all);
  result.depth_slope = depth_slope(sites);
  if (!result.all.relative_error) return result;
  result.squared_error = ratio_of_means(all.figures.error, sum.error);
  result.bias_squared = ratio_of_means(all.figures.bias, sum.bias);
  result.loss_change = ratio_of_means(all.figures.loss, sum.loss);
  return result;
}

Interval saved_without(const Figures& all, const Figures& without) {
  std::vector<double> saved;
  for (std::size_t b = 0; b < without.error.size(); ++b)
    saved.push_back((all.error[b] - without.error[b]) / all.norm[b]);
  return mean_of(saved);
}

std::vector<Column> columns_of(const CompareConfig& config) {
  std::vector<Column> columns;
  const auto add = [&](const ComparedKind& kind, std::optional<double> size) {
    KindSpec spec = kind.at(size.value_or(1));
    const Chance chance = make_perturbation(spec)->chance();
    columns.push_back({&kind, size, std::move(spec), chance});
  };
  for (const ComparedKind& kind : config.kinds) {
    if (!kind.sized) add(kind, std::nullopt);
    for (const double size : kind.sized ? config.relative_sizes : std::vector<double>()) add(kind, size);
  }
  return columns;
}

// One of a comparison's probes: what is measured in which order, and its results.
class Probing {
 public:
  Probing(const train::Task& task, const CompareConfig& config, const std::vector<SiteScreen>& sites, std::string name,
          Work& work, const std::function<void(std::size_t, std::size_t)>& tick)
      : config_(config),
        sites_(sites),
        columns_(columns_of(config)),
        operators_(static_cast<std::int64_t>(sites.size()) / 2 + 1),
        name_(std::move(name)),
        work_(work),
        tick_(tick),
        measurement_([&task, &config, operators = operators_] { return Measurement(task, config, operators); }) {}

  Probe probe() {
    alone();
    at_once();
    if (config_.one_out) but_one();
    return std::move(probe_);
  }

 private:
  // Batches and their clean gradients, once something is to be measured: in each process that does.
  const Measurement& measurement() {
    if (!made_) made_.emplace(measurement_());
    return *made_;
  }

  std::int64_t place(std::size_t site) const { return static_cast<std::int64_t>(site) / 2 + 1; }

  std::vector<nlohmann::json> results(const std::vector<std::string>& names,
                                      const std::function<std::vector<Result>(std::size_t)>& measure) {
    std::vector<std::string> full;
    for (const std::string& one : names) full.push_back("probe, " + name_ + ": " + one);
    return work_.results(
        full,
        [&](std::size_t i) {
          nlohmann::ordered_json list = nlohmann::ordered_json::array();
          for (const Result& one : measure(i)) list.push_back(json_of(one));
          return list;
        },
        tick_);
  }

  // A draw of a pair or alone: those of a whole pass, or what lies above or below the site.
  std::int64_t needed(const Column& column, const Result& result, Direction direction, std::int64_t place) const {
    const bool pairs = column.chance == Chance::kSymmetric;
    const std::int64_t draws = result.repeats * config_.probe.batches;
    if (direction == Direction::kBackward) return draws * place;
    return draws * (pairs ? 2 : 1) * (2 * operators_ - place);
  }

  void alone() {
    std::vector<std::string> names;
    std::vector<const Column*> columns;
    for (const SiteScreen& site : sites_) names.push_back(site.site + ", " + to_text(site.direction));
    for (const Column& column : columns_) columns.push_back(&column);
    const auto found = results(names, [&](std::size_t i) {
      return measurement().measure(columns, {sites_[i].site}, sites_[i].direction, place(i));
    });
    probe_.needed += 2 * operators_ * config_.probe.batches;  // the clean passes
    probe_.run += 2 * operators_ * config_.probe.batches;
    probe_.cells.reserve(sites_.size() * columns_.size());
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        results_.push_back(result_of(found[i][c]));
        const Result& result = results_.back();
        ProbeCell cell = cell_of(sites_[i].site, sites_[i].direction, columns_[c], result);
        if (cell.relative_error && sites_[i].gain) {
          const double added = cell.relative_size.value_or(std::pow(10, -cell.sqnr_db->estimate / 20));
          cell.kink = power_of(*cell.relative_error, 1, 1 / (added * sites_[i].gain->estimate));
        }
        probe_.cells.push_back(std::move(cell));
        probe_.run += result.run;
        probe_.needed += needed(columns_[c], result, sites_[i].direction, place(i));
      }
      for (std::size_t c = 0; c < columns_.size();) {
        std::size_t end = c + 1;
        while (end < columns_.size() && columns_[end].kind == columns_[c].kind) ++end;
        const auto row = probe_.cells.end() - static_cast<std::ptrdiff_t>(columns_.size());
        if (columns_[c].size)
          set_exponent(row + static_cast<std::ptrdiff_t>(c), row + static_cast<std::ptrdiff_t>(end));
        c = end;
      }
    }
  }

  // The rows of a column and direction, where there are two.
  struct Group {
    std::size_t column;
    Direction direction;
    std::vector<std::size_t> cells;
    std::set<std::string> names;
  };

  std::vector<Group> groups() const {
    std::vector<Group> groups;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        Group group{c, direction, {}, {}};
        for (std::size_t i = c; i < probe_.cells.size(); i += columns_.size()) {
          if (probe_.cells[i].direction != direction) continue;
          group.cells.push_back(i);
          group.names.insert(probe_.cells[i].site);
        }
        if (group.cells.size() > 1) groups.push_back(std::move(group));
      }
    }
    return groups;
  }

  std::string name_of(const Group& group) const {
    const Column& column = columns_[group.column];
    return fmt::format("{}, {}{}", to_text(group.direction), column.kind->label,
                       column.size ? fmt::format(" {:g}", *column.size) : "");
  }

  void at_once() {
    const std::vector<Group> all = groups();
    std::vector<std::string> names;
    for (const Group& group : all) names.push_back("all, " + name_of(group));
    const auto found = results(names, [&](std::size_t i) {
      return measurement().measure({&columns_[all[i].column]}, all[i].names, all[i].direction, 0);
    });
    for (std::size_t i = 0; i < all.size(); ++i) {
      at_once_.push_back(result_of(found[i][0]));
      std::vector<Measured> column;
      for (const std::size_t cell : all[i].cells) column.push_back({&probe_.cells[cell], &results_[cell].figures});
      set_ranks(column);
      probe_.together.push_back(together_of(columns_[all[i].column], all[i].direction, column, at_once_.back()));
      probe_.run += at_once_.back().run;
      probe_.needed += at_once_.back().run;
    }
  }

  void but_one() {
    struct Left {
      std::size_t group, cell;
    };
    const std::vector<Group> all = groups();
    std::vector<Left> list;
    std::vector<std::string> names;
    for (std::size_t g = 0; g < all.size(); ++g) {
      if (!probe_.together[g].all.relative_error) continue;
      for (const std::size_t cell : all[g].cells) {
        list.push_back({g, cell});
        names.push_back("all but " + probe_.cells[cell].site + ", " + name_of(all[g]));
      }
    }
    const auto found = results(names, [&](std::size_t i) {
      const Group& group = all[list[i].group];
      std::set<std::string> others = group.names;
      others.erase(probe_.cells[list[i].cell].site);
      return measurement().measure({&columns_[group.column]}, others, group.direction, 0,
                                   at_once_[list[i].group].repeats);
    });
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Result without = result_of(found[i][0]);
      probe_.cells[list[i].cell].one_out = saved_without(at_once_[list[i].group].figures, without.figures);
      probe_.run += without.run;
      probe_.needed += without.run;
    }
  }

  const CompareConfig& config_;
  const std::vector<SiteScreen>& sites_;
  std::vector<Column> columns_;
  std::int64_t operators_;
  std::string name_;
  Work& work_;
  std::function<void(std::size_t, std::size_t)> tick_;
  std::function<Measurement()> measurement_;
  std::optional<Measurement> made_;
  std::vector<Result> results_;  // of the cells
  std::vector<Result> at_once_;  // of the groups
  Probe probe_;
};

}  // namespace

Probe probe(const train::Task& task, const CompareConfig& config, const std::vector<SiteScreen>& sites,
            const std::string& name, Work& work, const std::function<void(std::size_t done, std::size_t all)>& tick) {
  return Probing(task, config, sites, name, work, tick).probe();
}

}  // namespace gradquake::compare

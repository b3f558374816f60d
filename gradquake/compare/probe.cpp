#include "gradquake/compare/probe.h"

#include <algorithm>
#include <cmath>
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
  std::vector<double> error, added, relative_added, norm, cosine, loss, bias;  // by batch, means over draws
};

Figures figures_of(const std::vector<BatchSums>& sums, const std::vector<ProbeBatch>& batches, Chance chance) {
  Figures figures;
  for (std::size_t b = 0; b < sums.size(); ++b) {
    const BatchSums& one = sums[b];
    const double norm = batches[b].clean_squared();
    figures.error.push_back(one.error / one.draws);
    figures.added.push_back(one.added / one.draws);
    figures.relative_added.push_back(one.relative_added / one.draws);
    figures.norm.push_back(norm);
    figures.cosine.push_back(one.cosine / one.draws);
    figures.loss.push_back(one.loss / one.draws / batches[b].clean_loss());
    figures.bias.push_back(one.bias_squared(chance) / norm);
  }
  return figures;
}

void set_figures(const Figures& figures, ProbeCell& cell) {
  cell.relative_error = power_of(ratio_of_sums(figures.error, figures.norm), 0.5);
  cell.amplification = ratio_of_sums(figures.error, figures.added);
  cell.bias_squared = mean_of(figures.bias);
  cell.cosine = mean_of(figures.cosine);
  cell.loss_change = mean_of(figures.loss);
  const std::vector<double> ones(figures.relative_added.size(), 1.0);
  const Interval added = ratio_of_sums(figures.relative_added, ones);
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

// One kind at one size, on the same batches.
class Measurement {
 public:
  Measurement(const train::Task& task, const CompareConfig& config, const std::vector<ProbeBatch>& batches,
              KindSpec kind)
      : task_(task),
        config_(config),
        batches_(batches),
        kind_(std::move(kind)),
        chance_(make_perturbation(kind_)->chance()) {}

  // Draws at these sites until the figures are narrow enough, and sets them, or the reason why there are none.
  Figures measure(const std::set<std::string>& sites, Direction direction, ProbeCell& cell) const {
    Plan plan = plan_of(task_, sites, direction, kind_);
    const bool once = chance_ == Chance::kNone;
    std::vector<BatchSums> sums(batches_.size());
    for (std::int64_t target = once ? 1 : config_.probe.least;; target = config_.probe.after(target)) {
      draw(plan, sites, target, sums);
      Figures figures = figures_of(sums, batches_, chance_);
      cell.repeats = target;
      if (std::all_of(figures.error.begin(), figures.error.end(), [](double one) { return one == 0; })) {
        cell.reason = plan.ledger().warnings().empty() ? "it does not reach the gradient" : "it changed nothing";
        return figures;
      }
      if (!std::all_of(figures.error.begin(), figures.error.end(), [](double one) { return std::isfinite(one); })) {
        cell.reason = "the gradient is not finite under it";
        return figures;
      }
      set_figures(figures, cell);
      if (once || target >= config_.probe.most || narrow(cell, config_.probe.width)) return figures;
    }
  }

  // The squared error by batch after so many repeats.
  std::vector<double> squared_error(const std::set<std::string>& sites, Direction direction,
                                    std::int64_t repeats) const {
    Plan plan = plan_of(task_, sites, direction, kind_);
    std::vector<BatchSums> sums(batches_.size());
    draw(plan, sites, repeats, sums);
    return figures_of(sums, batches_, chance_).error;
  }

 private:
  void draw(Plan& plan, const std::set<std::string>& sites, std::int64_t target, std::vector<BatchSums>& sums) const {
    for (std::size_t b = 0; b < batches_.size(); ++b) {
      while (sums[b].members < target) {
        const auto repeat = static_cast<std::uint64_t>(sums[b].members) * batches_.size() + b;
        batches_[b].add_member(plan, chance_, sites, repeat, sums[b]);
      }
    }
  }

  const train::Task& task_;
  const CompareConfig& config_;
  const std::vector<ProbeBatch>& batches_;
  KindSpec kind_;
  Chance chance_;
};

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

// All the sites of one direction at once, and each left out.
Together together(const Measurement& measurement, Direction direction, const std::vector<Measured>& sites, bool one_out,
                  const std::function<void()>& tick) {
  std::set<std::string> names;
  Figures sum;
  for (const Measured& one : sites) {
    names.insert(one.cell->site);
    add_to(sum.error, one.figures->error);
    add_to(sum.bias, one.figures->bias);
    add_to(sum.loss, one.figures->loss);
  }
  Together result;
  result.all.direction = direction;
  result.all.kind = sites[0].cell->kind;
  result.all.relative_size = sites[0].cell->relative_size;
  const Figures all = measurement.measure(names, direction, result.all);
  result.depth_slope = depth_slope(sites);
  if (!result.all.relative_error) return result;
  result.squared_error = ratio_of_means(all.error, sum.error);
  result.bias_squared = ratio_of_means(all.bias, sum.bias);
  result.loss_change = ratio_of_means(all.loss, sum.loss);
  if (!one_out) return result;
  for (const Measured& one : sites) {
    std::set<std::string> others = names;
    others.erase(one.cell->site);
    const std::vector<double> without = measurement.squared_error(others, direction, result.all.repeats);
    std::vector<double> saved;
    for (std::size_t b = 0; b < without.size(); ++b) saved.push_back((all.error[b] - without[b]) / all.norm[b]);
    one.cell->one_out = mean_of(saved);
    tick();
  }
  return result;
}

}  // namespace

Probe probe(const train::Task& task, const CompareConfig& config, const std::vector<SiteScreen>& sites,
            const std::function<void(std::size_t done, std::size_t all)>& tick) {
  const std::uint64_t seed = named_seed(task.seed, "compare.probe");
  data::BatchSampler sampler(task.data.train->size(), task.batch_size, named_seed(task.seed, "compare.batches"));
  std::vector<ProbeBatch> batches;
  for (std::int64_t b = 0; b < config.probe.batches; ++b)
    batches.emplace_back(task, task.data.train->get(sampler.indices(b)).to(task.device),
                         named_seed(seed, std::to_string(b)));

  struct Column {  // of every site's row
    const ComparedKind* kind;
    std::optional<double> size;
  };
  std::vector<Column> columns;
  for (const ComparedKind& kind : config.kinds) {
    if (!kind.sized) columns.push_back({&kind, std::nullopt});
    for (const double size : kind.sized ? config.relative_sizes : std::vector<double>())
      columns.push_back({&kind, size});
  }
  std::vector<Measurement> measurements;
  for (const Column& column : columns)
    measurements.emplace_back(task, config, batches, column.kind->at(column.size.value_or(1)));

  const std::size_t alone = sites.size() * columns.size(), all = config.one_out ? 2 * alone : alone;
  std::size_t done = 0;
  const auto advance = [&] {
    ++done;
    if (tick) tick(done, all);
  };
  Probe result;
  std::vector<Figures> figures;
  result.cells.reserve(alone);
  for (const SiteScreen& site : sites) {
    const auto first = static_cast<std::ptrdiff_t>(result.cells.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      ProbeCell& cell = result.cells.emplace_back();
      cell.site = site.site;
      cell.direction = site.direction;
      cell.kind = columns[c].kind->label;
      cell.relative_size = columns[c].size;
      figures.push_back(measurements[c].measure({cell.site}, cell.direction, cell));
      if (cell.relative_error && site.gain) {
        const double added = cell.relative_size.value_or(std::pow(10, -cell.sqnr_db->estimate / 20));
        cell.kink = power_of(*cell.relative_error, 1, 1 / (added * site.gain->estimate));
      }
      advance();
    }
    for (std::size_t c = 0; c < columns.size();) {
      std::size_t end = c + 1;
      while (end < columns.size() && columns[end].kind == columns[c].kind) ++end;
      const auto row = result.cells.begin() + first;
      if (columns[c].size) set_exponent(row + static_cast<std::ptrdiff_t>(c), row + static_cast<std::ptrdiff_t>(end));
      c = end;
    }
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      std::vector<Measured> column;
      for (std::size_t i = c; i < result.cells.size(); i += columns.size())
        if (result.cells[i].direction == direction) column.push_back({&result.cells[i], &figures[i]});
      if (column.size() < 2) continue;
      set_ranks(column);
      result.together.push_back(together(measurements[c], direction, column, config.one_out, advance));
    }
  }
  return result;
}

}  // namespace gradquake::compare

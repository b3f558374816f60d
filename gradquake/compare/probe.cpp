#include "gradquake/compare/probe.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "gradquake/compare/mirror.h"
#include "gradquake/core/seeds.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch_sampler.h"
#include "gradquake/hooks/ledger.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/model/trained_parameters.h"
#include "gradquake/theory/exponents.h"
#include "gradquake/train/norms.h"

namespace gradquake::compare {
namespace {

using Gradient = std::vector<at::Tensor>;

double dot(const Gradient& a, const Gradient& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i].to(at::kDouble) * b[i].to(at::kDouble)).sum().item<double>();
  return sum;
}

double squared(const Gradient& gradient) {
  double sum = 0;
  for (const at::Tensor& one : gradient) sum += train::squared_norm(one);
  return sum;
}

struct Pass {
  double loss = 0;
  Gradient gradient;
};

// A rule at one site, and whether what it adds is turned round.
struct Draw {
  Plan& plan;
  std::uint64_t repeat;
  Mirror* mirror;  // null: it is not
};

// One batch at the weights of now, and its clean pass.
class ProbeBatch {
 public:
  ProbeBatch(const train::Task& task, data::Batch batch, std::uint64_t dropout_seed)
      : task_(task),
        batch_(std::move(batch)),
        dropout_seed_(dropout_seed),
        parameters_(model::trained_parameters(*task.model).tensors) {
    clean_ = pass();
    clean_squared_ = squared(clean_.gradient);
  }

  const Pass& clean() const { return clean_; }
  double clean_squared() const { return clean_squared_; }  // ||u||^2

  Pass pass(const Draw& draw) const {
    const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
    std::optional<ObserverScope> outside, inside;
    if (draw.mirror != nullptr) outside.emplace(draw.mirror->outside());
    const PlanScope scope(draw.plan, {.rows = batch_.rows(),
                                      .loss_divisor = static_cast<double>(batch_.rows()),
                                      .sample_ids = batch_.sample_ids,
                                      .repeat = draw.repeat});
    if (draw.mirror != nullptr) inside.emplace(draw.mirror->inside());
    return differentiate();
  }

 private:
  Pass pass() const {
    const curvature::StateGuard guard(*task_.model, dropout_seed_, curvature::Derivatives::kFirst);
    return differentiate();
  }

  Pass differentiate() const {
    const at::Tensor loss = task_.objective->loss(task_.forward(batch_), batch_);
    Gradient gradient = torch::autograd::grad({loss}, parameters_, {}, false, false, true);
    for (std::size_t i = 0; i < gradient.size(); ++i)
      if (!gradient[i].defined()) gradient[i] = at::zeros_like(parameters_[i]);
    return {loss.item<double>(), std::move(gradient)};
  }

  const train::Task& task_;
  data::Batch batch_;
  std::uint64_t dropout_seed_;
  std::vector<at::Tensor> parameters_;
  Pass clean_;
  double clean_squared_ = 0;
};

// What the draws of one cell on one batch have added up to.
struct BatchSums {
  double error = 0, added = 0, relative_added = 0, cosine = 0, loss = 0;  // over draws
  double draws = 0;
  Gradient middle;            // sum over members of m: of a pair, or of a draw
  double middle_squares = 0;  // sum of ||m||^2
  std::int64_t members = 0;

  // The U-statistic of ||E m||^2.
  double bias_squared(Chance chance) const {
    if (chance == Chance::kNone) return middle_squares;
    const auto count = static_cast<double>(members);
    return (squared(middle) - middle_squares) / (count * (count - 1));
  }
};

// One draw: its error u~ - u.
Gradient add_draw(const ProbeBatch& batch, const Draw& draw, BatchSums& sums) {
  const Pass pass = batch.pass(draw);
  const Gradient& u = batch.clean().gradient;
  Gradient error;
  for (std::size_t i = 0; i < u.size(); ++i) error.push_back(pass.gradient[i] - u[i]);
  ++sums.draws;
  sums.error += squared(error);
  sums.cosine += dot(pass.gradient, u) / std::sqrt(squared(pass.gradient) * batch.clean_squared());
  sums.loss += pass.loss - batch.clean().loss;
  for (const InjectionRecord& record : draw.plan.ledger().take_entries()) {
    sums.added += record.norm * record.norm;
    sums.relative_added += record.relative_norm * record.relative_norm;
  }
  return error;
}

void add_member(const ProbeBatch& batch, Plan& plan, Chance chance, const std::string& site, std::uint64_t repeat,
                BatchSums& sums) {
  Gradient middle = add_draw(batch, {plan, repeat, nullptr}, sums);
  if (chance == Chance::kSymmetric) {
    Mirror mirror(site);
    const Gradient other = add_draw(batch, {plan, repeat, &mirror}, sums);
    for (std::size_t i = 0; i < middle.size(); ++i) middle[i] = (middle[i] + other[i]) / 2;
  }
  sums.middle_squares += squared(middle);
  if (sums.middle.empty())
    sums.middle = std::move(middle);
  else
    for (std::size_t i = 0; i < middle.size(); ++i) sums.middle[i] = sums.middle[i] + middle[i];
  ++sums.members;
}

// The name as a glob that matches nothing else.
std::string literal(const std::string& name) {
  std::string glob;
  for (const char c : name) glob += c == '*' || c == '?' || c == '[' ? std::string("[") + c + ']' : std::string(1, c);
  return glob;
}

Plan plan_of(const train::Task& task, const ProbeCell& cell, KindSpec kind) {
  Rule rule{.label = "probe", .sites = literal(cell.site), .direction = cell.direction};
  rule.perturbation = std::move(kind);
  return Plan({std::move(rule)}, {.seed = named_seed(task.seed, "compare.probe"), .aliases = task.aliases});
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
    figures.loss.push_back(one.loss / one.draws / batches[b].clean().loss);
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

void measure(const train::Task& task, const CompareConfig& config, const KindSpec& kind,
             const std::vector<ProbeBatch>& batches, ProbeCell& cell) {
  Plan plan = plan_of(task, cell, kind);
  const Chance chance = make_perturbation(kind)->chance();
  const bool once = chance == Chance::kNone;
  std::vector<BatchSums> sums(batches.size());
  for (std::int64_t target = once ? 1 : config.probe.least;; target = config.probe.after(target)) {
    for (std::size_t b = 0; b < batches.size(); ++b) {
      while (sums[b].members < target) {
        const auto repeat = static_cast<std::uint64_t>(sums[b].members) * batches.size() + b;
        add_member(batches[b], plan, chance, cell.site, repeat, sums[b]);
      }
    }
    const Figures figures = figures_of(sums, batches, chance);
    cell.repeats = target;
    if (std::all_of(figures.error.begin(), figures.error.end(), [](double one) { return one == 0; })) {
      cell.reason = plan.ledger().warnings().empty() ? "it does not reach the gradient" : "it changed nothing";
      return;
    }
    if (!std::all_of(figures.error.begin(), figures.error.end(), [](double one) { return std::isfinite(one); })) {
      cell.reason = "the gradient is not finite under it";
      return;
    }
    set_figures(figures, cell);
    if (once || target >= config.probe.most || narrow(cell, config.probe.width)) return;
  }
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

}  // namespace

std::vector<ProbeCell> probe(const train::Task& task, const CompareConfig& config, const std::vector<SiteScreen>& sites,
                             const std::function<void(std::size_t done, std::size_t all)>& tick) {
  const std::uint64_t seed = named_seed(task.seed, "compare.probe");
  data::BatchSampler sampler(task.data.train->size(), task.batch_size, named_seed(task.seed, "compare.batches"));
  std::vector<ProbeBatch> batches;
  for (std::int64_t b = 0; b < config.probe.batches; ++b)
    batches.emplace_back(task, task.data.train->get(sampler.indices(b)).to(task.device),
                         named_seed(seed, std::to_string(b)));
  std::vector<ProbeCell> cells;
  std::size_t all = 0;
  for (const ComparedKind& kind : config.kinds) all += sites.size() * (kind.sized ? config.relative_sizes.size() : 1);
  const auto add_cell = [&](const SiteScreen& site, const ComparedKind& kind, std::optional<double> size) {
    ProbeCell& cell = cells.emplace_back();
    cell.site = site.site;
    cell.direction = site.direction;
    cell.kind = kind.label;
    cell.relative_size = size;
    measure(task, config, kind.at(size.value_or(1)), batches, cell);
    if (cell.relative_error && site.gain) {
      const double added = size.value_or(std::pow(10, -cell.sqnr_db->estimate / 20));
      cell.kink = power_of(*cell.relative_error, 1, 1 / (added * site.gain->estimate));
    }
    if (tick) tick(cells.size(), all);
  };
  for (const SiteScreen& site : sites) {
    for (const ComparedKind& kind : config.kinds) {
      const std::size_t first = cells.size();
      if (!kind.sized) {
        add_cell(site, kind, std::nullopt);
        continue;
      }
      for (const double size : config.relative_sizes) add_cell(site, kind, size);
      set_exponent(cells.begin() + static_cast<std::ptrdiff_t>(first), cells.end());
    }
  }
  return cells;
}

}  // namespace gradquake::compare

// One batch of the probe: its clean gradient, and what draws of a plan do to it. On the way back an error enters
// linearly, so at one site it is taken from there (site_graph.h), and the negative of a pair from its symmetry; on the
// way forward the operators before one site are not run again (hooks/sites/prefix.h); at several sites at once each
// draw is a whole pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gradquake/compare/gradient_errors.h"
#include "gradquake/compare/mirror.h"
#include "gradquake/compare/site_graph.h"
#include "gradquake/curvature/state_guard.h"
#include "gradquake/data/batch.h"
#include "gradquake/hooks/injection_record.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/plan_scope.h"
#include "gradquake/hooks/rule.h"
#include "gradquake/hooks/sites/prefix.h"
#include "gradquake/train/task.h"

namespace gradquake::compare {

// What the draws of a plan on one batch have added up to.
struct BatchSums {
  double error = 0, added = 0, cosine = 0, loss = 0;  // over draws
  double draws = 0;
  double signal = 0, signals = 0;  // ||y||^2 as the ledger's entries tell it, and how many did
  GradientErrors::Sum middle;      // sum over members of m: of a pair, or of a draw
  double middle_squares = 0;       // sum of ||m||^2
  std::int64_t members = 0;

  void add(const std::vector<InjectionRecord>& entries);

  // ||E m||^2: the U-statistic, or what there is where nothing is owed to chance.
  double bias_squared(Chance chance) const;
};

// At the weights of now. The model is left as it was.
class ProbeBatch {
 public:
  // The batch's clean pass, kept open at a site for as long as it lives: what lies on the other side of the site is not
  // run again. While it lives the batch makes no pass but those that go on from it.
  class Open {
   public:
    Open(const ProbeBatch& batch, const std::string& site, Direction direction);
    bool is_cut() const { return graph_ ? graph_->is_cut() : prefix_->whole(); }

   private:
    friend class ProbeBatch;
    curvature::StateGuard guard_;
    std::optional<SiteGraph> graph_;  // backward
    std::optional<Prefix> prefix_;    // forward
  };

  // `task` outlives this. `dropout_seed`: of the masks, the same in every pass.
  ProbeBatch(const train::Task& task, data::Batch batch, std::uint64_t dropout_seed);

  double clean_squared() const { return errors_.clean_squared(); }  // ||u||^2
  double clean_loss() const { return clean_loss_; }

  // One more draw of the plan, or a pair of it and its negative where chance is symmetric; `repeat` numbers it.
  // `sites`: those of the plan's rules. `open`: cut at the only one, in the rules' direction; null: whole passes.
  void add_member(Plan& plan, Chance chance, const std::set<std::string>& sites, Direction direction, const Open* open,
                  std::uint64_t repeat, BatchSums& sums) const;

 private:
  struct Pass {
    double loss = 0;
    Parts gradient;
  };
  at::Tensor loss() const;
  StepContext context(std::uint64_t repeat) const;
  Pass clean_pass() const;
  // One draw, its loss and its ledger added; `mirrored`: the negative of it.
  Parts draw(Plan& plan, std::uint64_t repeat, Mirror* mirrored, const Open* open, BatchSums& sums) const;
  void add_error(Plan& plan, Chance chance, const Open& open, std::uint64_t repeat, BatchSums& sums) const;
  Pass differentiate(const Open* open) const;
  void add(const ErrorSums& error, BatchSums& sums) const;

  const train::Task& task_;
  data::Batch batch_;
  std::uint64_t dropout_seed_;
  Parts parameters_;
  double clean_loss_ = 0;
  GradientErrors errors_;
};

}  // namespace gradquake::compare

// One batch of the probe: its clean gradient, and what draws of a plan do to it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/train/task.h"

namespace gradquake::compare {

using Gradient = std::vector<at::Tensor>;  // one a trained parameter

// What the draws of a plan on one batch have added up to.
struct BatchSums {
  double error = 0, added = 0, relative_added = 0, cosine = 0, loss = 0;  // over draws
  double draws = 0;
  Gradient middle;            // sum over members of m: of a pair, or of a draw
  double middle_squares = 0;  // sum of ||m||^2
  std::int64_t members = 0;

  // ||E m||^2: the U-statistic, or what there is where nothing is owed to chance.
  double bias_squared(Chance chance) const;
};

// At the weights of now. The model is left as it was.
class ProbeBatch {
 public:
  // `task` outlives this. `dropout_seed`: of the masks, the same in every pass.
  ProbeBatch(const train::Task& task, data::Batch batch, std::uint64_t dropout_seed);

  double clean_squared() const { return clean_squared_; }  // ||u||^2
  double clean_loss() const { return clean_.loss; }

  // One more draw of the plan, or a pair of it and its negative where chance is symmetric; `repeat` numbers it.
  // `sites`: those of the plan's rules.
  void add_member(Plan& plan, Chance chance, const std::set<std::string>& sites, std::uint64_t repeat,
                  BatchSums& sums) const;

 private:
  struct Pass {
    double loss = 0;
    Gradient gradient;
  };
  Pass clean_pass() const;
  Pass pass(Plan& plan, std::uint64_t repeat, const std::set<std::string>* mirrored) const;
  Pass differentiate() const;
  Gradient add_draw(Plan& plan, std::uint64_t repeat, const std::set<std::string>* mirrored, BatchSums& sums) const;

  const train::Task& task_;
  data::Batch batch_;
  std::uint64_t dropout_seed_;
  std::vector<at::Tensor> parameters_;
  Pass clean_;
  double clean_squared_ = 0;
};

}  // namespace gradquake::compare

// What is trained, and how: a network, its data, its loss, the rules that perturb it. One value that the trainer, the
// measurements and the predictions share; a config becomes one in run/assembly.h, and a program of one's own fills it:
//
//   auto net = std::make_shared<Net>();                      // any torch::nn::Module; taps in it are its sites
//   train::Task task;
//   task.model = net;
//   task.forward = [net](const data::Batch& batch) { return net->forward(batch.input()); };
//   task.data = {train_set, test_set};
//   task.objective = train::make_objective("mse");
//   task.rules = {rule};
//   train::prepare(task);
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/data/dataset.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/plan.h"
#include "gradquake/hooks/sites/operator_mode.h"
#include "gradquake/hooks/sites/site_recorder.h"
#include "gradquake/train/objective.h"
#include "gradquake/train/optimizer.h"
#include "gradquake/train/regularizer.h"

namespace torch::nn {
class Module;
}

namespace gradquake::train {

struct Task {
  std::shared_ptr<torch::nn::Module> model;               // parameters, buffers, mode
  std::function<at::Tensor(const data::Batch&)> forward;  // its output, which the objective makes a loss
  std::string name = "the model";                         // in messages
  data::DataSplits data;                                  // an absent test set: train
  std::shared_ptr<const Objective> objective;
  RegularizerConfig regularizer;
  OptimizerConfig optimizer;
  std::vector<Rule> rules;
  std::map<std::string, std::string> aliases;  // of a site, the name that its draws are addressed by (hooks/plan.h)
  std::uint64_t seed = 1;
  std::int64_t steps = 2000;
  std::int64_t batch_size = 64;             // samples a step
  std::optional<std::int64_t> micro_batch;  // samples a forward pass, whose gradients add up; absent: the whole batch
  at::Device device = at::kCPU;

  std::vector<std::string> notes;               // what a user should know of the model before training, a line each
  std::optional<OperatorSites> operator_sites;  // where forward finds its sites so (use_operator_sites)

  // What resolve() finds.
  std::vector<SiteInfo> sites;    // as one batch met them
  std::vector<SiteInfo> beneath;  // those that lie beneath them (hooks/sites/beneath.h)
  std::unique_ptr<Plan> plan;
};

// The dtype of the parameters that are trained.
GRADQUAKE_EXPORT at::ScalarType dtype_of(const Task& task);

// For a model without a tap: forward makes every operator's output a site (hooks/sites/operator_mode.h). To be called
// once model and forward are there, before prepare.
GRADQUAKE_EXPORT void use_operator_sites(Task& task);

// Runs one batch without a rule, forward and backward, for the sites it meets; makes the plan; and runs every rule
// once, forward and backward, on a (micro-)batch. The model, its buffers and the generator are left as they were.
// Throws UserError where a part is missing, the output does not fit the objective, no parameter is trained, or the
// model's own code throws, and RuleError (hooks/rule_error.h) where a rule cannot be carried out.
GRADQUAKE_EXPORT void resolve(Task& task);

// Moves the model to the device, seeds torch's generator (dropout of the model's own) and resolves the task. Throws
// UserError; a rule's mistake is named by its label.
GRADQUAKE_EXPORT void prepare(Task& task);

}  // namespace gradquake::train

// A module of one's own, unchanged, on data of one's own: trained with perturbations, watched, and kept as a run folder
// (records, checkpoints, summary, weights). Started again, the program goes on where it was.
#include <gradquake/data/tensor_dataset.h>
#include <gradquake/hooks/tap.h>
#include <gradquake/report/print.h>
#include <gradquake/run/run.h>
#include <torch/torch.h>

#include <iostream>

using namespace gradquake;

int main() {
  torch::manual_seed(1);
  torch::nn::Sequential net(torch::nn::Linear(8, 32), torch::nn::Tanh(), torch::nn::Linear(32, 1));
  const torch::Tensor x = torch::randn({1000, 8}), y = x.sum(1, true).sin();

  train::Task task;
  task.model = net.ptr();
  task.forward = [&](const data::Batch& batch) { return tap("output", net->forward(batch.input())); };
  task.data = {std::make_shared<data::TensorDataset>(x.narrow(0, 0, 800), y.narrow(0, 0, 800)),
               std::make_shared<data::TensorDataset>(x.narrow(0, 800, 200), y.narrow(0, 800, 200))};
  task.objective = train::make_objective("mse");
  task.optimizer.spec = {"sgd", {{"learning_rate", 0.05}}};
  task.steps = 1000;
  Rule rule{.label = "burst", .sites = "output", .direction = Direction::kBackward};
  rule.perturbation = {"gaussian", {{"scale", 20.0}}};
  rule.schedule = {"every", {{"interval", 250}, {"offset", 100}}};
  task.rules = {rule};
  train::prepare(task);

  const run::RunResult result = run::run_in("runs/own", task, {});
  report::print_report(std::cout, result.summary, result.spikes);
}

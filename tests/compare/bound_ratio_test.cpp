#include "gradquake/compare/bound_ratio.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <memory>

#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/tap.h"
#include "small_net.h"

namespace gradquake::compare {
namespace {

Probe bounded(const train::Task& task) {
  CompareConfig config;
  config.kinds = {{perturbations().complete("gaussian"), "gaussian", true}};
  config.relative_sizes = {0.001, 0.01};
  config.probe = {.batches = 4, .least = 8, .most = 8, .width = 1};
  config.screen = {.batches = 4, .least = 4, .most = 4, .width = 1};
  config.one_out = false;
  Work work({}, 1, {});
  Probe found = probe(task, config, screen(task, config).sites, "test", work);
  set_bound_ratios(task, config, found);
  return found;
}

void expect_reason(const train::Task& task, const std::string& reason) {
  for (const ProbeCell& cell : bounded(task).cells) {
    EXPECT_FALSE(cell.bound_ratio.has_value());
    EXPECT_EQ(cell.bound_reason.substr(0, reason.size()), reason) << cell.site;
  }
}

TEST(BoundRatioTest, OnATanhNetworkNoSiteAndDirectionExceedsTheBound) {
  train::SmallNet net;
  train::Task task = train::task_of(net, {});
  task.data = train::random_splits(64);
  task.batch_size = 16;
  const Probe found = bounded(task);
  ASSERT_EQ(found.cells.size(), 12U);
  for (const ProbeCell& cell : found.cells) {
    ASSERT_TRUE(cell.bound_ratio.has_value()) << cell.site << ' ' << cell.bound_reason;
    EXPECT_GT(cell.bound_ratio->estimate, 1e-4) << cell.site << ' ' << to_text(cell.direction);
    EXPECT_LE(cell.bound_ratio->estimate, 1) << cell.site << ' ' << to_text(cell.direction);
  }
}

TEST(BoundRatioTest, WhereTheTheoremDoesNotHoldThereIsNoneAndTheCellSaysWhy) {
  const auto relu = std::make_shared<torch::nn::LinearImpl>(train::kFeatures, train::kClasses);
  relu->to(at::kDouble);
  train::Task task;
  task.model = relu;
  task.forward = [relu](const data::Batch& batch) { return at::relu(tap("y", relu->forward(batch.input()))); };
  task.objective = train::make_objective("cross_entropy");
  task.data = train::random_splits(64);
  task.batch_size = 16;
  expect_reason(task, "not smooth: relu");

  train::SmallNet coupled({.batch_norm = true});
  train::Task with_norm = train::task_of(coupled, {});
  with_norm.data = train::random_splits(64);
  with_norm.batch_size = 16;
  expect_reason(with_norm, "[theory] expected a model that treats samples apart");

  train::SmallNet single({.dtype = at::kFloat});
  train::Task in_float = train::task_of(single, {});
  in_float.data = train::random_splits(64, at::kFloat);
  in_float.batch_size = 16;
  expect_reason(in_float, "parameters are not float64");
}

}  // namespace
}  // namespace gradquake::compare

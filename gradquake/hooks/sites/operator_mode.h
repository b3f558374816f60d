// Sites on a model as it is, without a tap in it: inside an OperatorModeScope the output of every operator that the
// model calls goes through tap(), so that plans, observers and recorders find it as if it had been tapped by hand, with
// the same draws for the same name.
//
//   const gradquake::OperatorSites sites = gradquake::operator_sites(*net);
//   const auto forward = [&](const torch::Tensor& x) {
//     const gradquake::OperatorModeScope scope(sites);
//     return net->forward(x);
//   };
//   gradquake::SiteRecorder recorder;
//   forward(x);
//   ...
//   const gradquake::PlanScope plan_scope(plan, {.step = step, .rows = 64, .loss_divisor = 64});
//   torch::cross_entropy_loss(forward(x), y).backward();
//
// Names.
//   blocks.0.f1  A module with parameters of its own, by its path: a parameter's name without its last part. The site
//                is the output of the operator that uses the last of them in a call of the module: addmm of weight and
//                bias, or the addition of the bias behind a matmul. The next use of a parameter that the call has used
//                already begins another call: the second call is occurrence 1 of the site. A parameter is known by its
//                memory, so by views of it too; one of two names belongs to the operator's module, else to the first.
//   relu.0       Any other operator, by its name and a number that counts its outputs in the pass from 0. "mylib.op.0"
//                where it is not of aten. Numbers that would make a module's path are passed over. Parameters of the
//                root itself name nothing.
//   blocks.0.f1:input, relu.0:input.1, blocks.0.f1:saved.0
//                What a module or another operator reads and keeps (operator_tap.h), to those who ask. A module reads
//                what the first operator of its call reads, besides parameters.
//
// No sites are: views, operators in place (but an addition that ends a module's call), those with several outputs (but
// of the recurrent ones the first output), outputs of no floating dtype, the input handed on (dropout in evaluation),
// and what a module does before its last operator. skipped() lists them. Tensors made from no other (zeros, rand_like)
// are no operators of the model. Operators within operators are not seen: of lstm or scaled_dot_product_attention the
// output is a site, what is inside is out of reach, and skipped() says so.
//
// Backward. The operators of a backward call are never sites, also where the model itself calls backward inside its
// forward. A scope made inside a backward call (activation recomputation) sees that recomputation's operators, numbered
// from 0: replay the draws of a whole pass, or of modules.
//
// Costs. No scope: none. A scope without a plan or observer: every operator is handed on as it is, 0.1 us each, and not
// numbered. Otherwise 0.3 us an operator, beside what the tap does. The first scope of a process: 3 ms.
//
// Threads. A scope belongs to its thread. at::ThreadLocalStateGuard carries LibTorch's switch to another thread, but
// not the scope: operators there are handed on as they are. Dimension 0 of each output counts as the batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"

namespace torch::nn {
class Module;
}

namespace gradquake {

namespace detail {
class OperatorPass;
struct OperatorModel;
}  // namespace detail

// What is no site, though an operator computed it.
struct SkippedOperator {
  std::string name;        // of the operator, "transpose"; of the module or site where it has one, "lstm"
  std::string why;         // "a view", "in place", "several outputs", "inside a fused operator", ...
  std::int64_t times = 0;  // in the pass
};

// The parameters of a model by their names. Cheap to copy. Keeps the tensors, so that a model that moves to another
// device or dtype stays known; a parameter that is replaced does not.
class GRADQUAKE_EXPORT OperatorSites {
 public:
  // Undefined tensors are passed over. Throws std::invalid_argument on an empty name.
  explicit OperatorSites(const std::vector<std::pair<std::string, at::Tensor>>& parameters);

  // What was skipped in the first whole pass under a plan, observer or recorder; empty before it.
  std::vector<SkippedOperator> skipped() const;

 private:
  friend class OperatorModeScope;
  std::shared_ptr<detail::OperatorModel> model_;
};

// The sites of a module's parameters.
GRADQUAKE_EXPORT OperatorSites operator_sites(const torch::nn::Module& module);

// "a view (12), in place (3)": how often each reason was met; "" for none.
GRADQUAKE_EXPORT std::string summary_of(const std::vector<SkippedOperator>& skipped);

// Around one forward pass; it ends before backward is called. Scopes nest, the innermost counts.
class GRADQUAKE_EXPORT OperatorModeScope {
 public:
  explicit OperatorModeScope(const OperatorSites& sites);
  ~OperatorModeScope();
  OperatorModeScope(const OperatorModeScope&) = delete;
  OperatorModeScope& operator=(const OperatorModeScope&) = delete;

 private:
  struct Switch;
  std::unique_ptr<detail::OperatorPass> pass_;
  detail::OperatorPass* outer_;
  std::unique_ptr<Switch> switch_;
  int exceptions_;
};

}  // namespace gradquake

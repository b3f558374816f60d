// Adds the perturbations that are due at one occurrence of a site, in one direction, and enters them into the ledger.
// Holds ids and scalars only, never the tensor it will act on. Internal to hooks/.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "gradquake/hooks/scope_state.h"

namespace gradquake::detail {

class Injection {
 public:
  // `element_order`, `rows`: of the tapped tensor, see PerturbationContext.
  Injection(std::shared_ptr<ScopeState> scope, const ResolvedSite& site, std::uint32_t occurrence, Direction direction,
            std::vector<std::size_t> rules, std::vector<std::int64_t> element_order, std::int64_t rows, bool ledgered);

  struct Outcome {
    at::Tensor value;
    at::Tensor slope;  // of the rules together, where a rule asks for other than identity; undefined: 1
  };
  // The tensor with the perturbations added, out of place. Throws std::invalid_argument on a tensor that cannot take
  // any.
  Outcome add_to(const at::Tensor& tensor) const;

  // The same, for a gradient on its way back: refuses where the scope has ended or a graph of the gradient is asked
  // for; under a pause returns the gradient as it is.
  at::Tensor add_to_gradient(const at::Tensor& gradient) const;

 private:
  Outcome add(std::size_t rule, const at::Tensor& tensor, double& reference_squared, bool measured) const;
  MemoryVisit memory_of(std::size_t rule, const at::Tensor& tensor) const;

  std::shared_ptr<ScopeState> scope_;
  const ResolvedSite* site_;
  std::uint32_t occurrence_;
  Direction direction_;
  std::vector<std::size_t> rules_;
  std::vector<std::int64_t> element_order_;
  std::int64_t rows_;
  bool ledgered_;
};

// Samples in dimension `batch_dim` of a tensor whose samples may take several rows; 0 where they cannot be told apart.
std::int64_t samples_in(const at::Tensor& tensor, std::int64_t batch_dim, const StepContext& context);

}  // namespace gradquake::detail

// Dropout whose masks are addressed, not consumed: inside a DropoutScope the mask of a site depends on seed, site name,
// step, occurrence and the element's position in the whole batch, and on nothing that happened before. So a clean pass
// beside a perturbed one, a batch split into micro-batches, a replay and a resumed run meet the same masks.
//
//   gradquake::DropoutScope masks({.seed = 1, .step = step, .first_row = 0, .rows = 64});
//   y = gradquake::dropout("fc1", torch::relu(fc1(x)), 0.5);     // in train mode; nothing to call in evaluation
//
//   out = in * m / (1 - p),   m = 0 with probability p, else 1:   E out = in
//
// p counts in steps of 2^-24. The mask is a constant to autograd: dropout has derivatives of every order. Elements
// count row-major with dimension 0 as the batch (size(0) / rows rows a sample), whatever the memory format. Scopes
// nest, the innermost counts; occurrences count from 0 in each; a RecomputeScope replays them. Without a scope the mask
// comes from LibTorch's generator, as at::dropout's does.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/sites/site.h"

namespace gradquake {

namespace detail {
struct DropoutState;
}

struct DropoutContext {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t first_row = 0;  // position of this micro-batch's first sample in the whole batch
  std::int64_t rows = 0;       // samples in this micro-batch; 0: the size of dimension 0
};

// Throws std::invalid_argument on a negative number, or first_row without rows.
class GRADQUAKE_EXPORT DropoutScope {
 public:
  explicit DropoutScope(const DropoutContext& context);
  ~DropoutScope();
  DropoutScope(const DropoutScope&) = delete;
  DropoutScope& operator=(const DropoutScope&) = delete;

  // Occurrences count from 0 again: the next pass meets the masks of the first.
  void rewind();

 private:
  std::unique_ptr<detail::DropoutState> state_;
  detail::DropoutState* outer_;
};

// A pass aside: while it lives, occurrences count on from where they stand, and afterwards they stand there again, so
// that a pass inside it meets the masks that would have come next and changes none.
class GRADQUAKE_EXPORT DropoutAside {
 public:
  DropoutAside();
  ~DropoutAside();
  DropoutAside(const DropoutAside&) = delete;
  DropoutAside& operator=(const DropoutAside&) = delete;

  void rewind();  // the next pass inside meets the masks of the first

 private:
  std::unique_ptr<const detail::DropoutState> before_;  // null: no scope
};

// Throws std::invalid_argument unless 0 <= p < 1, on a tensor that is not of a floating dtype, and where a split batch
// cannot be told apart in dimension 0.
GRADQUAKE_EXPORT at::Tensor dropout(const Site& site, const at::Tensor& tensor, double p);
GRADQUAKE_EXPORT at::Tensor dropout(std::string_view site, const at::Tensor& tensor, double p);

}  // namespace gradquake

// Multiply-accumulates of one clean forward pass of a batch, by the site that they lead to: those of the operators
// called after the tap before (of any site) and before this one. For any way in (operator_calls.h).
//
//   mm, addmm, bmm, baddbmm, addbmm    [.., n, m] times [.., m, p]         .. n m p; linear, matmul and einsum call
//   them mv, addmv, dot, vdot               a multiplication an element of the first factor convolution rows out_c
//   out_h out_w (in_c/groups) kh kw, of any number of dimensions
//     transposed                       rows in_c in_h in_w (out_c/groups) kh kw
//   scaled_dot_product_attention       [.., L, E], [.., S, E], [.., S, Ev]   .. L S (E + Ev)
//
// So an MLP's are rows * sum of in * out. Nothing is counted of other operators: what works element by element, and
// fused recurrent layers of oneDNN.
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/hooks/export.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

struct SiteMacs {
  std::string site;
  std::int64_t macs = 0;  // a batch, all occurrences
};

struct Macs {
  std::vector<SiteMacs> sites;  // in order of first tap
  std::int64_t behind = 0;      // after the last tap

  std::int64_t of(const std::string& site) const;  // 0 where there is no such site
};

// The model is left as it was. `beneath`: also the sites that operators read (hooks/sites/beneath.h).
GRADQUAKE_EXPORT Macs count_macs(const train::Task& task, const data::Batch& batch, bool beneath = false);

// Of one operator, by its name as OperatorCalls tells it; absent: it is not counted.
GRADQUAKE_EXPORT std::optional<std::int64_t> macs_of(const std::string& name, c10::ArrayRef<const c10::IValue> inputs);

}  // namespace gradquake::measure

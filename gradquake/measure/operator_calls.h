// The operators that this thread calls, one by one, whoever calls them: a model's own code, a TorchScript, a .pt2.
//
//   const measure::OperatorCalls calls([](const std::string& name, const auto& inputs) {
//     std::cout << name << '\n';
//     return false;
//   });
//   net.forward(x);                                   // linear, t, addmm, relu, ...
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <functional>
#include <string>

#include "gradquake/hooks/export.h"

namespace gradquake::measure {

class GRADQUAKE_EXPORT OperatorCalls {
 public:
  // `name`: without the library's "aten::" and without the underscore of operators in place; `inputs` as the schema has
  // them. Called before the operator runs; true: what it calls in turn is not told.
  using OnCall = std::function<bool(const std::string& name, c10::ArrayRef<const c10::IValue> inputs)>;

  explicit OperatorCalls(OnCall on_call);  // until its end; the innermost of several alone is told
  ~OperatorCalls();
  OperatorCalls(const OperatorCalls&) = delete;
  OperatorCalls& operator=(const OperatorCalls&) = delete;

  struct State {
    OnCall on_call;
    std::int64_t inside = 0;  // operators that are running and whose calls are not told
    State* outer = nullptr;
  };

 private:
  State state_;
  std::uint64_t handle_ = 0;
};

}  // namespace gradquake::measure

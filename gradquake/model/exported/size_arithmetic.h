// The arithmetic of sizes in an exported graph: nodes whose target is a Python function on numbers, such as
// `_operator.mul` on the size of the batch.
#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace gradquake::model::exported {

struct SizeFunction {
  std::size_t arguments;
  c10::IValue (*call)(const std::vector<c10::IValue>& arguments);  // numbers or flags
};

// Python's own meaning: // and % round towards minus infinity, / is a float. Null: not a function of this kind.
const SizeFunction* size_function(const std::string& target);

}  // namespace gradquake::model::exported

// The graph of an export, ready to be carried out: values in numbered slots, and nodes in order, each one call of
// LibTorch's dispatcher or one piece of arithmetic on sizes.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/sites/site.h"
#include "gradquake/model/exported/archive.h"
#include "gradquake/model/exported/size_arithmetic.h"

namespace gradquake::model::exported {

using Slot = int;
inline constexpr Slot kNoSlot = -1;  // of a value that nobody reads, or of a constant beside values

// An argument that depends on values of the run.
struct Fill {
  enum class Kind {
    kValue,
    kNumberTensor,  // a number where the operator takes a tensor: one that counts as a number in type promotion
    kTensors,
    kOptionalTensors,
    kIntegers,
    kNumbers,
  };
  Kind kind = Kind::kValue;
  std::size_t argument = 0;
  std::vector<Slot> slots;
  std::vector<c10::IValue> constants = {};  // beside kNoSlot, where the argument is a list of both
};

// One of the modules whose forward a node stands in, as Python's nn_module_stack has it.
struct ModuleFrame {
  std::string call;  // "L__self__b.f@1": tells the second call of b.f from its first
  std::string path;  // "b.f", as named_modules() says; empty: the exported module itself
  std::string type;  // "torch.nn.modules.linear.Linear"
};

// A value that is a site, behind the node it hangs on.
struct SiteValue {
  Site site;
  Slot slot;
};

// A tensor that an operator reads as a site: element `element` of an argument that is a list, else the argument.
struct ReadValue {
  Site site;
  std::size_t argument, element;
};

// A tensor that a module reads as a site: `to` is `from` as the module's operators see it.
struct Entry {
  Site site;
  Slot from, to;
};

// A dropout whose mask is addressed (hooks/dropout.h).
struct AddressedDropout {
  Site site;
  Slot input;
  double p;
  bool in_place;
};

struct Node {
  std::string name;                  // "conv2d_1"
  std::string target;                // "torch.ops.aten.conv2d.default"
  std::vector<ModuleFrame> modules;  // outermost first
  std::optional<c10::OperatorHandle> op;
  const SizeFunction* size = nullptr;
  std::vector<c10::IValue> arguments;  // where no fill says otherwise
  std::vector<Fill> fills;
  std::vector<std::pair<std::size_t, c10::IValue>> in_evaluation;  // arguments that are others outside training
  std::optional<Slot> left_out_in_evaluation;                      // no call then: its output is this value
  std::optional<AddressedDropout> dropout;
  std::vector<Slot> outputs;
  bool makes_tensors = false;    // its output is a list of tensors, each with a slot
  bool makes_sizes = false;      // or a number
  std::vector<SiteValue> sites;  // tapped behind it, in this order
  std::vector<Entry> entries;    // made before it, in this order
  std::vector<ReadValue> reads;
  std::string operator_name;    // "features.3.conv:aten.conv2d", of its sites; empty: it has none
  std::vector<Slot> last_read;  // dropped behind it

  const std::string& module() const;  // path of the innermost; empty: the exported module itself
};

struct Input {
  std::string name;
  Slot slot;
  at::ScalarType type;
  struct Size {
    std::int64_t least, most;  // equal: fixed
    std::string symbol;        // equal ones are equal sizes; empty: none
  };
  std::vector<Size> sizes;
};

struct Output {
  std::string name;  // "logits" of a dict, "0" of a tuple, "output" where it is the only one
  Slot slot;         // kNoSlot: None
};

struct Program {
  std::vector<Node> nodes;
  std::size_t slots = 0;
  std::vector<StoredTensor> state;
  std::vector<std::pair<Slot, at::Tensor>> bound;      // state that the graph reads
  std::vector<std::pair<Slot, at::Tensor>> mutations;  // state that is a copy of this value behind the last node
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<std::string> notes;  // what one should know: draws that no flag turns off, sites that are others' too
};

enum class DropoutMasks { kAddressed, kTorch };

// Throws Refusal, naming the node, on what cannot be carried out: an operator or an argument that this LibTorch does
// not have, control flow, objects. `dropout`: where the masks of dropout nodes come from.
Program read_program(const nlohmann::json& program, std::vector<StoredTensor> state, DropoutMasks dropout);

}  // namespace gradquake::model::exported

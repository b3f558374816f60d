// One forward pass under an OperatorModeScope: which operator's output is which site. Internal to hooks/.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/TensorImpl.h>
#include <c10/util/SmallVector.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gradquake/hooks/sites/operator_mode.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/sites/site.h"

namespace torch::autograd {
struct Node;
}

namespace gradquake::detail {

// What the passes of one OperatorSites share.
struct OperatorModel {
  explicit OperatorModel(const std::vector<std::pair<std::string, at::Tensor>>& named);

  struct Module {
    Site site;
    std::size_t parameters = 0;
  };
  struct Parameter {
    at::Tensor tensor;
    std::size_t module, position;  // position: among the module's parameters
  };

  std::vector<SkippedOperator> skipped() const;
  bool wants_skipped() const;
  void keep(std::vector<SkippedOperator> of_first_pass);

  std::vector<Module> modules;
  std::vector<Parameter> parameters;
  std::map<std::string, std::size_t> by_path;

 private:
  mutable std::mutex mutex_;
  std::optional<std::vector<SkippedOperator>> skipped_;
};

class OperatorPass {
 public:
  OperatorPass(std::shared_ptr<OperatorModel> model, const torch::autograd::Node* node);

  // The backward operator inside which the pass runs; null: none, as usual.
  const torch::autograd::Node* node() const { return node_; }
  // Calls the operator on its arguments, and taps what it returns.
  void carry_out(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  // The pass has come to its end.
  void finish();

 private:
  using TensorHandle = std::optional<c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>>;
  using Parameters = c10::SmallVector<const OperatorModel::Parameter*, 8>;

  enum class Returns { kOne, kSeveral, kView, kInPlace, kNothing };
  struct Operator {
    std::string name;
    Returns returns = Returns::kNothing;
    bool fused = false;
    std::int64_t* next_number = nullptr;  // shared by the overloads of a name
  };
  // One call of a module, as far as it has come.
  struct Call {
    std::set<std::size_t> used;  // positions of parameters
    TensorHandle output;         // of its latest operator; none before the first and after the last
    std::size_t saved = 0;       // tensors that its operators have kept for the backward pass
    bool ever_ended = false;
  };
  // What an operator is to the module whose parameters it uses.
  struct Use {
    const OperatorModel::Module* module = nullptr;  // null: it uses none
    bool ends_call = false;
    bool on_own_output = false;  // it writes into what the call's operator before it returned
  };
  struct Arguments {
    Parameters parameters;  // not those that are written
    c10::SmallVector<const c10::StorageImpl*, 8> storages;
    at::Tensor written;
  };
  // Whom an operator about to be called reads and keeps for.
  struct Owner {
    std::string name;      // of its output, which need not be a site
    Call* call = nullptr;  // of a module
    bool begins = true;    // the module's call, so that what it reads is what the module reads
  };
  struct Range {
    std::size_t begin, end;  // bytes of the storage
    const OperatorModel::Parameter* parameter;
  };

  Operator& known(const c10::OperatorHandle& op);
  Arguments arguments_of(const c10::OperatorHandle& op, const torch::jit::Stack& stack);
  // Which parameters of each module an operator uses, by position, and the module of which it uses most.
  using ByModule = std::map<std::size_t, std::set<std::size_t>>;
  static ByModule by_module(const Parameters& parameters);
  static std::size_t mostly(const ByModule& used);
  // Whether a call of a module has come by one of these before, so that another call begins.
  static bool repeats(const Call& call, const std::set<std::size_t>& positions);
  // Empty: nobody asks, or it has no sites of that kind.
  std::optional<Owner> owner_of(Operator& op, const Arguments& arguments);
  void call_tapping_beneath(const c10::OperatorHandle& op, const Owner& owner, Arguments& arguments,
                            torch::jit::Stack& stack);
  void tap_inputs(const c10::OperatorHandle& op, const Owner& owner, Arguments& arguments,
                  torch::jit::Stack& stack) const;
  void find_parameters(const at::Tensor& tensor, Arguments& arguments);
  Use use(const Parameters& parameters, const at::Tensor& output);
  void after_one(Operator& op, const Arguments& arguments, at::Tensor& result);
  void after_several(Operator& op, const Arguments& arguments, torch::jit::Stack& stack, std::size_t results);
  void after_in_place(Operator& op, const Arguments& arguments);
  at::Tensor tap_output(const Operator& op, const Site& site, at::Tensor result);
  std::string next_name(Operator& op);  // passes over numbers that would make a module's path
  Site numbered(Operator& op);
  void skip(const std::string& name, const char* why);

  std::shared_ptr<OperatorModel> model_;
  const torch::autograd::Node* node_;
  std::unordered_map<c10::OperatorHandle, Operator> operators_;
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::unordered_map<const c10::StorageImpl*, std::vector<Range>> storages_;
  std::vector<Call> calls_;                  // by module; empty until the first operator
  bool records_;                             // what is skipped
  std::optional<ConstantMemory> constants_;  // the parameters', where a scope asks for what operators read and keep
  std::vector<SkippedOperator> skipped_;
};

}  // namespace gradquake::detail

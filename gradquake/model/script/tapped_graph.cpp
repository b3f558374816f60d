#include "gradquake/model/script/tapped_graph.h"

#include <ATen/ops/dropout.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/library.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "gradquake/hooks/dropout.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/hooks/sites/operator_tap.h"
#include "gradquake/hooks/tap.h"

namespace gradquake::model::script {
namespace {

namespace jit = torch::jit;

at::Tensor tap_named(const at::Tensor& tensor, c10::string_view site) { return tap(site, tensor); }

at::Tensor tap_input_named(const at::Tensor& tensor, c10::string_view site) { return tap_input(Site(site), tensor); }

at::Tensor drop_named(const at::Tensor& tensor, double p, bool training, c10::string_view site) {
  if (!training || p == 0) return tensor;
  return p < 1 ? gradquake::dropout(site, tensor, p) : at::dropout(tensor, p, true);  // 1: no mask to draw
}

// The path from `self` to a module, by the attributes that lead to it; nullopt: it was chosen at run time.
std::optional<std::string> path_to(const jit::Value* module, const jit::Value* self) {
  if (module == self) return "";
  const jit::Node* const node = module->node();
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  const auto owner = path_to(node->input(0), self);
  if (!owner) return std::nullopt;
  const std::string& name = node->s(jit::attr::name);
  return owner->empty() ? name : *owner + "." + name;
}

class Tapper {
 public:
  Tapper(jit::Graph& graph, bool addressed) : graph_(graph), self_(graph.inputs().at(0)), addressed_(addressed) {}

  std::vector<std::string> run() {
    walk(graph_.block(), "");
    std::vector<std::string> notes;
    for (const std::string& type : unreached_)
      notes.push_back("a module of type " + type + " is chosen at run time: its output is no site");
    return notes;
  }

 private:
  void walk(jit::Block* block, const std::string& path) { walk(*block->nodes().begin(), block->return_node(), path); }

  // The nodes from `node` up to `end`, which stand in the module at `path`.
  void walk(jit::Node* node, const jit::Node* end, const std::string& path) {
    while (node != end) {
      jit::Node* const next = node->next();
      if (node->kind() == c10::prim::CallMethod) {
        call_method(node, path);
      } else if (node->kind() == c10::prim::CallFunction) {
        call_function(node, path);
      } else {
        if (addressed_) address_dropout(node, path);
        for (jit::Block* inner : node->blocks()) walk(inner, path);
      }
      node = next;
    }
  }

  void inline_call(jit::Node* call, jit::GraphFunction* function, const std::string& path) {
    jit::Node *const before = call->prev(), *const behind = call->next();
    const auto body = function->graph()->copy();
    jit::inlineCallTo(call, function, body.get());
    walk(before->next(), behind, path);
  }

  void call_method(jit::Node* call, const std::string& path) {
    const auto type = call->input(0)->type()->cast<c10::ClassType>();
    jit::GraphFunction* const function =
        type ? jit::tryToGraphFunction(type->getMethod(call->s(jit::attr::name))) : nullptr;
    if (function == nullptr) return;
    const auto callee = path_to(call->input(0), self_);
    if (!callee && type->is_module()) unreached_.insert(type->name()->name());
    if (callee && !callee->empty() && call->s(jit::attr::name) == "forward") {
      tap_inputs(call, *callee);
      tap_outputs(call, *callee);
    }
    inline_call(call, function, callee.value_or(path));
  }

  void call_function(jit::Node* call, const std::string& path) {
    const auto type = call->input(0)->type()->cast<c10::FunctionType>();
    jit::GraphFunction* const function = type ? jit::tryToGraphFunction(*type->function()) : nullptr;
    if (function == nullptr) return;
    call->removeInput(0);
    inline_call(call, function, path);
  }

  // A tap on `value` in front of `node`, by the operator of that name; its node.
  jit::Node* tap_before(jit::Node* node, const char* op, jit::Value* value, const std::string& site) {
    const jit::WithInsertPoint here(node);
    jit::Value* const name = graph_.insertConstant(site);
    jit::Node* const tap = graph_.insertNode(graph_.create(c10::Symbol::fromQualString(op), {value, name}, 1));
    tap->output()->setType(c10::TensorType::get());
    return tap;
  }
  jit::Node* tap_behind(jit::Node* node, jit::Value* value, const std::string& site) {
    return tap_before(node->next(), "gradquake::tap", value, site);
  }

  void tap_inputs(jit::Node* call, const std::string& path) {
    std::vector<std::size_t> tensors;
    for (std::size_t i = 1; i < call->inputs().size(); ++i)
      if (call->input(i)->type()->isSubtypeOf(*c10::TensorType::get())) tensors.push_back(i);
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      const std::string site = input_name(path, k, tensors.size());
      call->replaceInput(tensors[k], tap_before(call, "gradquake::tap_input", call->input(tensors[k]), site)->output());
    }
  }

  void tap_outputs(jit::Node* call, const std::string& path) {
    jit::Value* const output = call->output();
    if (output->type()->isSubtypeOf(*c10::TensorType::get())) {
      jit::Node* const tap = tap_behind(call, output, path);
      output->replaceAllUsesAfterNodeWith(tap, tap->output());
      return;
    }
    const auto tuple = output->type()->cast<c10::TupleType>();
    if (!tuple) return;
    const jit::WithInsertPoint behind(call->next());
    jit::Node* const parts = graph_.insertNode(graph_.createTupleUnpack(output));
    jit::Node* last = parts;
    std::vector<jit::Value*> values;
    for (std::size_t i = 0; i < parts->outputs().size(); ++i) {
      jit::Value* const part = parts->output(i);
      values.push_back(part);
      if (!part->type()->isSubtypeOf(*c10::TensorType::get())) continue;
      last = tap_behind(last, part, path + "." + std::to_string(i));
      values.back() = last->output();
    }
    jit::Node* const whole = graph_.createTuple(values);
    whole->output()->setType(output->type());
    whole->insertAfter(last);
    output->replaceAllUsesAfterNodeWith(whole, whole->output());
  }

  void address_dropout(jit::Node* node, const std::string& path) {
    const bool in_place = node->kind() == c10::Symbol::fromQualString("aten::dropout_");
    if (!in_place && node->kind() != c10::Symbol::fromQualString("aten::dropout")) return;
    const jit::WithInsertPoint here(node);
    jit::Value* const name =
        graph_.insertConstant(path.empty() ? std::string("dropout") : path);  // a second one: an occurrence
    jit::Node* const drop = graph_.insertNode(graph_.create(c10::Symbol::fromQualString("gradquake::dropout"),
                                                            {node->input(0), node->input(1), node->input(2), name}, 1));
    drop->output()->setType(c10::TensorType::get());
    node->output()->replaceAllUsesWith(drop->output());
    if (in_place) node->input(0)->replaceAllUsesAfterNodeWith(node, drop->output());
    node->destroy();
  }

  jit::Graph& graph_;
  const jit::Value* const self_;
  const bool addressed_;
  std::set<std::string> unreached_;
};

}  // namespace

TORCH_LIBRARY(gradquake, library) {
  // An idle tap returns its input, hence the alias.
  library.def("tap(Tensor(a) tensor, str site) -> Tensor(a)", &tap_named);
  library.def("tap_input(Tensor(a) tensor, str site) -> Tensor(a)", &tap_input_named);
  library.def("dropout(Tensor(a) tensor, float p, bool training, str site) -> Tensor(a)", &drop_named);
}

TappedGraph tapped_forward(const torch::jit::Module& module, bool addressed) {
  TappedGraph tapped{module.get_method("forward").graph()->copy(), {}};
  tapped.notes = Tapper(*tapped.graph, addressed).run();
  jit::EliminateDeadCode(tapped.graph);
  tapped.graph->lint();
  return tapped;
}

bool fix_for_evaluation(torch::jit::Graph& graph) {
  static const std::map<std::string, std::size_t> flags{
      {"aten::batch_norm", 5}, {"aten::dropout", 2}, {"aten::dropout_", 2}, {"gradquake::dropout", 2}};
  bool any = false;
  const std::function<void(jit::Block*)> visit = [&](jit::Block* block) {
    for (jit::Node* node : block->nodes()) {
      for (jit::Block* inner : node->blocks()) visit(inner);
      const auto flag = flags.find(node->kind().toQualString());
      if (flag == flags.end()) continue;
      const auto fixed = jit::toIValue(node->input(flag->second));
      if (!fixed || !fixed->isBool() || !fixed->toBool()) continue;
      const jit::WithInsertPoint here(node);
      node->replaceInput(flag->second, graph.insertConstant(false));
      any = true;
    }
  };
  visit(graph.block());
  return any;
}

}  // namespace gradquake::model::script

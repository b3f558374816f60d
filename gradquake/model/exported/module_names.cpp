#include "gradquake/model/exported/module_names.h"

#include <cstddef>
#include <utility>
#include <vector>

namespace gradquake::model::exported {
namespace {

using Holding = std::map<std::string, const at::TensorImpl*>;  // tensors of a module, by name in it

std::map<std::string, std::string> types_of(const Program& program) {
  std::map<std::string, std::string> types;
  for (const Node& node : program.nodes)
    for (const ModuleFrame& frame : node.modules) types[frame.path] = frame.type;
  return types;
}

}  // namespace

ModuleNames::ModuleNames(const Program& program) {
  std::map<std::string, Holding> holdings;
  std::vector<std::string> paths;  // as state_dict() meets them
  for (const StoredTensor& one : program.state) {
    const at::TensorImpl* const tensor = one.tensor.unsafeGetTensorImpl();
    for (std::size_t dot = one.name.find('.'); dot != std::string::npos; dot = one.name.find('.', dot + 1)) {
      const auto [holding, fresh] = holdings.try_emplace(one.name.substr(0, dot));
      if (fresh) paths.push_back(holding->first);
      holding->second[one.name.substr(dot + 1)] = tensor;
    }
  }
  const std::map<std::string, std::string> types = types_of(program);
  std::map<std::pair<std::string, Holding>, std::string> first;
  for (const std::string& path : paths) {
    const auto type = types.find(path);
    if (type == types.end()) continue;  // never called by this name
    const std::string& known = first.try_emplace({type->second, holdings[path]}, path).first->second;
    if (known != path) same_[path] = known;
  }
}

std::string ModuleNames::of(const std::string& path) const {
  for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('.', end - 1)) {
    const auto found = same_.find(path.substr(0, end));
    if (found != same_.end()) return found->second + path.substr(end);
  }
  return path;
}

}  // namespace gradquake::model::exported

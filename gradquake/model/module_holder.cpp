#include "gradquake/model/module_holder.h"

#include <torch/nn/module.h>

#include <memory>

namespace gradquake::model {

std::pair<torch::nn::Module*, std::string> holder_of(torch::nn::Module& root, const std::string& name) {
  torch::nn::Module* holder = &root;
  std::size_t begin = 0;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
    const std::string part = name.substr(begin, dot - begin);
    const auto children = holder->named_children();
    const auto* const child = children.find(part);
    holder = child ? child->get() : holder->register_module(part, std::make_shared<torch::nn::Module>()).get();
    begin = dot + 1;
  }
  return {holder, name.substr(begin)};
}

}  // namespace gradquake::model

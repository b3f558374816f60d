// A module tree out of dotted names.
#pragma once

#include <string>
#include <utility>

namespace torch::nn {
class Module;
}

namespace gradquake::model {

// The module under `root` that holds a parameter or buffer of this dotted name ("features.0.weight": that of
// features.0), made where it is absent, and the name within it. torch::nn::Module takes no dots in a name.
std::pair<torch::nn::Module*, std::string> holder_of(torch::nn::Module& root, const std::string& name);

}  // namespace gradquake::model

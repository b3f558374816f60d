// What the sources that use LibTorch have in common, precompiled once (cmake/component.cmake). No source relies on it:
// each includes what it uses, and GRADQUAKE_PRECOMPILED=OFF builds without it.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

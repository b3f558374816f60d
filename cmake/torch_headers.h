// What the sources that use LibTorch have in common, precompiled once (cmake/component.cmake). No source relies on it:
// each includes what it uses, and GRADQUAKE_PRECOMPILED=OFF builds without it. Modules (torch/nn/) stay out: they double
// the cost of the whole, and few sources need them.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

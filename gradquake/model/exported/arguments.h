// The arguments of one node, as the archive writes them, made those of the operator. Internal to model/exported/.
#pragma once

#include <ATen/core/jit_type.h>

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "gradquake/model/exported/program.h"

namespace gradquake::model::exported {

// The slot of a value that an earlier node made, or that goes in; throws Refusal where there is none.
using SlotOf = std::function<Slot(const std::string& value)>;

// Sets argument `at` of the node, or gives it a fill. `type`: what the operator declares; `length`: of a list that may
// be written as one number, else 0.
void read_argument(const nlohmann::json& argument, const c10::TypePtr& type, std::size_t length, std::size_t at,
                   const SlotOf& slot_of, Node& node);

// A number where an operator takes a tensor: it takes part in type promotion as a number.
c10::IValue number_tensor(const c10::IValue& number);

}  // namespace gradquake::model::exported

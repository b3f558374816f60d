// Where values go in: sites of what an operator or a module reads. Internal to model/exported/.
//
//   features.3.conv:input               what the module reads from outside; `:input.1` the second of several tensors,
//   in
//                                       the order in which its operators read them
//   features.3:aten.add:input.1         what the operator reads, in the order of its arguments
//
// Neither parameters nor buffers nor tensors of integers are, nor what an operator in place writes into, nor what a
// view is made of. The exported module's own input is the batch, and no site.
#pragma once

#include <set>

#include "gradquake/model/exported/module_names.h"
#include "gradquake/model/exported/program.h"
#include "gradquake/model/exported/shared_memory.h"

namespace gradquake::model::exported {

// Sets `reads` and `entries` of every node. The operators of a module then read values of their own, `Entry::to`.
void add_input_sites(Program& program, const ModuleNames& names, const SharedMemory& memory,
                     const std::set<Slot>& integers);

}  // namespace gradquake::model::exported

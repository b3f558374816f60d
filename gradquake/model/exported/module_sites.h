// Where a graph becomes sites again: the outputs of modules, by the module paths that Python's named_modules() shows,
// and beneath them the outputs of operators. Internal to model/exported/.
//
//   features.3.conv              what the module returned; behind the last node of its call, as a forward hook sees it
//   lstm.0, lstm.1               where it returned several tensors
//   features.3.conv:aten.conv2d  the operator of a node in the module itself; the second of a name is `.1`
//
// The name of the second call of a module is that of the first: an occurrence. A module under two names has that of its
// first registration. The exported module itself is no site: its output is that of a module in it, or of `:aten.add`.
#pragma once

#include <set>

#include "gradquake/model/exported/program.h"

namespace gradquake::model::exported {

// Sets `sites` of every node, and notes on modules that have no site of their own. `returned`: the slots that leave the
// graph; `integers`: tensors that take no perturbation. Neither these are sites, nor buffers that a node moves, nor
// views of memory that a later node writes into.
void add_sites(Program& program, const std::set<Slot>& returned, const std::set<Slot>& integers);

}  // namespace gradquake::model::exported

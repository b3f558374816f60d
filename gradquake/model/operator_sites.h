// A module without a tap becomes a network with sites: the outputs of its operators (hooks/sites/operator_mode.h).
//
//   models().add({"mine", "a module of mine", {}}, [](const KindSpec&, const ModelInput&) {
//     return with_operator_sites(std::make_shared<Net>());
//   });
#pragma once

#include "gradquake/hooks/export.h"
#include "gradquake/model/network.h"

namespace gradquake::model {

// The same network, whose forward makes every operator's output a site. The parameters are those of now: they may move
// and change, but not be replaced. A network without a module is handed back as it is.
GRADQUAKE_EXPORT Network with_operator_sites(Network network);

}  // namespace gradquake::model

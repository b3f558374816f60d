#include "gradquake/model/operator_sites.h"

#include <utility>

namespace gradquake::model {

Network with_operator_sites(Network network) {
  if (!network.module) return network;
  const OperatorSites sites = operator_sites(*network.module);
  network.operator_sites = sites;
  network.forward = [sites, forward = std::move(network.forward)](const data::Batch& batch) {
    const OperatorModeScope scope(sites);
    return forward(batch);
  };
  return network;
}

}  // namespace gradquake::model

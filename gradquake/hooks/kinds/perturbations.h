// The built-in perturbations, one file each, for the table in perturbation.cpp. Internal to hooks/.
#pragma once

#include "gradquake/hooks/perturbation.h"

namespace gradquake::kinds {

using PerturbationKind = Registry<PerturbationFactory>::Kind;

PerturbationKind gaussian();
PerturbationKind uniform();
PerturbationKind rademacher();
PerturbationKind constant();

}  // namespace gradquake::kinds

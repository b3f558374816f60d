// The built-in perturbations, one file each, for the table in perturbation.cpp. Internal to hooks/.
#pragma once

#include "gradquake/hooks/perturbation.h"

namespace gradquake::kinds {

using PerturbationKind = Registry<PerturbationFactory>::Kind;

PerturbationKind gaussian();
PerturbationKind uniform();
PerturbationKind rademacher();
PerturbationKind laplace();
PerturbationKind constant();
PerturbationKind multiplicative();
PerturbationKind round();
PerturbationKind top_k();
PerturbationKind random_k();
PerturbationKind threshold();
PerturbationKind low_rank();
PerturbationKind bit_flip();
PerturbationKind stuck_at();
PerturbationKind zero();
PerturbationKind scale();
PerturbationKind swap();
PerturbationKind stale();
PerturbationKind delta();
PerturbationKind error_feedback();

}  // namespace gradquake::kinds

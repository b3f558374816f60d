// A plug-in that adds a kind which there is.
#include "gradquake/hooks/perturbation.h"
#include "gradquake/run/plugin.h"

GRADQUAKE_PLUGIN {
  gradquake::perturbations().add({"gaussian", "another one", {}},
                                 [](const gradquake::KindSpec&) { return std::unique_ptr<gradquake::Perturbation>(); });
}

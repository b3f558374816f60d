#include "gradquake/train/kinds/regularizers.h"

namespace gradquake::train::kinds {

RegularizerKind no_regularizer() {
  return {{.name = "none", .summary = "nothing is added to the loss"}, [](const KindSpec&) { return nullptr; }};
}

}  // namespace gradquake::train::kinds

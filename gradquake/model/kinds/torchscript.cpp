#include "gradquake/model/kinds/models.h"
#include "gradquake/model/script/script_model.h"

namespace gradquake::model::kinds {

ModelKind torchscript() {
  return {{.name = "torchscript",
           .summary = "a file of torch.jit.save, deprecated in Python: take exported where you can",
           .parameters = {Parameter::path("path", "the file"), dropout_masks()}},
          [](const KindSpec& spec, const ModelInput&) {
            return std::make_shared<script::ScriptModel>(spec.text("path"), spec.text("dropout") == "addressed");
          }};
}

}  // namespace gradquake::model::kinds

#include "gradquake/model/model_config.h"

#include "gradquake/config/kind_reader.h"
#include "gradquake/model/registry.h"

namespace gradquake::model {

ModelConfig read_model(config::Reader& reader) {
  ModelConfig model;
  model.spec = config::read_kind(reader, models(), model.spec.kind);
  model.weights = reader.text_or_null("weights", std::nullopt);
  reader.finish();
  return model;
}

}  // namespace gradquake::model

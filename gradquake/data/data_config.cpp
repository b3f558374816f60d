#include "gradquake/data/data_config.h"

#include "gradquake/config/kind_reader.h"
#include "gradquake/data/registry.h"

namespace gradquake::data {

DataConfig read_data(config::Reader& reader) {
  DataConfig data;
  data.spec = config::read_kind(reader, datasets(), data.spec.kind);
  data.batch_size = reader.integer("batch_size", data.batch_size, 1);
  data.micro_batch = reader.integer_or_null("micro_batch", data.micro_batch, 1, data.batch_size);
  reader.finish();
  return data;
}

}  // namespace gradquake::data

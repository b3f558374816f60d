#include "gradquake/data/data_config.h"

#include "gradquake/config/reader.h"
#include "gradquake/data/registry.h"

namespace gradquake::data {

DataConfig read_data(config::Reader& reader) {
  DataConfig data;
  data.kind = reader.choice("kind", data.kind, dataset_kinds());
  if (data.kind == "idx" || data.kind == "libsvm") {
    reader.require("path");
    data.path = reader.text("path", "");
    if (data.path.empty())
      reader.fail("path", data.kind == "idx" ? "expected a folder of idx files, got ''" : "expected a file, got ''");
  } else if (data.kind != "digits" && data.kind != "synthetic_logistic") {
    data.path = reader.text("path", "");
  }
  if (data.kind == "synthetic_logistic") {
    data.samples = reader.integer("samples", data.samples, 1, std::int64_t{1} << 28);
    data.features = reader.integer("features", data.features, 1, std::int64_t{1} << 28);
  }
  for (const auto& name : dataset_parameters(data.kind)) {
    reader.require(name);
    data.parameters[name] = reader.number(name, 0);
  }
  data.batch_size = reader.integer("batch_size", data.batch_size, 1);
  data.micro_batch = reader.integer_or_null("micro_batch", data.micro_batch, 1, data.batch_size);
  reader.finish();
  return data;
}

}  // namespace gradquake::data

// The exported networks beside the tests (exported/networks.py says what they are), whole and edited.
#pragma once

#include <ATen/Parallel.h>
#include <caffe2/serialize/inline_container.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/model/exported/exported_model.h"

namespace gradquake::model::exported {

inline std::string exported_file(const std::string& name) {
  return GRADQUAKE_SOURCE_DIR "/tests/model/exported/" + name + ".pt2";
}

inline std::shared_ptr<ExportedModel> load_exported(const std::string& path, std::optional<std::string> output = {},
                                                    DropoutMasks dropout = DropoutMasks::kTorch) {
  return std::make_shared<ExportedModel>(path, dropout, Wiring{{}, std::move(output)});
}

// Records of an archive by name, in order; its own bookkeeping left out.
inline std::vector<std::pair<std::string, std::string>> records_of(const std::string& path) {
  caffe2::serialize::PyTorchStreamReader reader(path);
  std::vector<std::pair<std::string, std::string>> records;
  for (const std::string& name : reader.getAllRecords()) {
    if (name.starts_with(".data/")) continue;
    const auto [data, size] = reader.getRecord(name);
    records.emplace_back(name, std::string(static_cast<const char*>(data.get()), size));
  }
  return records;
}

inline std::string archive_of(const std::vector<std::pair<std::string, std::string>>& records) {
  std::string bytes;
  caffe2::serialize::PyTorchStreamWriter writer([&bytes](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  for (const auto& [name, content] : records) writer.writeRecord(name, content.data(), content.size());
  writer.writeEndOfFile();
  return bytes;
}

inline constexpr const char* kProgram = "models/model.json";
inline constexpr const char* kWeightsList = "data/weights/model_weights_config.json";

// The bytes of the archive at `path` with one of its JSON records edited.
inline std::string edited(const std::string& path, const std::string& record,
                          const std::function<void(nlohmann::json&)>& edit) {
  auto records = records_of(path);
  for (auto& [name, content] : records) {
    if (name != record) continue;
    nlohmann::json parsed = nlohmann::json::parse(content);
    edit(parsed);
    content = parsed.dump();
  }
  return archive_of(records);
}

// One thread while it lives: sums have one order then.
class OneThread {
 public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_ = at::get_num_threads();
};

}  // namespace gradquake::model::exported

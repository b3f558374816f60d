#include "gradquake/model/exported/archive.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <caffe2/serialize/inline_container.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "gradquake/model/exported/refusal.h"
#include "gradquake/model/exported/schema.h"

namespace gradquake::model::exported {
namespace {

constexpr const char* kWeights = "data/weights/";
constexpr const char* kConstants = "data/constants/";

[[noreturn]] void refuse_other_archive(caffe2::serialize::PyTorchStreamReader& zip) {
  if (zip.hasRecord("serialized_exported_program.json"))
    refuse("it was saved by a torch before 2.8: load it there with torch.export.load, and save it with 2.8 or newer");
  if (zip.hasRecord("constants.pkl")) refuse("it is a TorchScript archive, which model.kind torchscript reads");
  if (zip.hasRecord("data.pkl")) refuse("it is a checkpoint of torch.save, which holds no graph");
  refuse("it has no record 'archive_format'");
}

std::vector<std::int64_t> integers(const nlohmann::json& list) {
  std::vector<std::int64_t> values;
  for (const nlohmann::json& one : list) values.push_back(integer_of(one.at("as_int")));
  return values;
}

// Where a tensor lies in its record.
struct Place {
  explicit Place(const nlohmann::json& meta)
      : type(scalar_type(meta.at("dtype"))),
        sizes(integers(meta.at("sizes"))),
        strides(integers(meta.at("strides"))),
        offset(integer_of(meta.at("storage_offset").at("as_int"))) {
    layout(meta.at("layout"));
  }

  at::ScalarType type;
  std::vector<std::int64_t> sizes, strides;
  std::int64_t offset;

  void expect_within(std::int64_t elements, const std::string& tensor, const std::string& record) const {
    const auto outside = [&] {
      refuse("tensor '" + tensor + "' does not lie within the " + std::to_string(elements) + " elements of " + record);
    };
    if (sizes.size() != strides.size() || offset < 0) outside();
    bool empty = false;
    std::int64_t last = offset;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] < 0 || strides[i] < 0) outside();
      empty |= sizes[i] == 0;
    }
    for (std::size_t i = 0; i < sizes.size() && !empty; ++i) {
      std::int64_t reach = 0;
      if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) || __builtin_add_overflow(last, reach, &last))
        outside();
    }
    if (!empty && last >= elements) outside();
  }

  at::Tensor view_of(const at::Tensor& bytes) const {
    return at::empty({0}, type).set_(bytes.storage(), offset, sizes, strides);
  }
};

}  // namespace

Archive::Archive(const std::string& path) : zip_(std::make_unique<caffe2::serialize::PyTorchStreamReader>(path)) {
  if (!zip_->hasRecord("archive_format")) refuse_other_archive(*zip_);
  if (zip_->hasRecord("byteorder") && text("byteorder") != "little") refuse("it was written on a big-endian machine");
  std::vector<std::string> programs;
  for (const std::string& record : zip_->getAllRecords())
    if (record.starts_with("models/") && record.ends_with(".json"))
      programs.push_back(record.substr(7, record.size() - 12));
  if (programs.size() != 1) {
    refuse("expected one exported program in it, got " + std::to_string(programs.size()) +
           (programs.empty() ? " (an AOTInductor package has none)" : ""));
  }
  name_ = programs[0];
}

Archive::~Archive() = default;

std::string Archive::text(const std::string& record) const {
  const auto [data, size] = zip_->getRecord(record);
  return {static_cast<const char*>(data.get()), size};
}

at::Tensor Archive::bytes(const std::string& record) const {
  if (!zip_->hasRecord(record)) refuse("it has no record '" + record + "'");
  const auto [data, size] = zip_->getRecord(record);
  at::Tensor copy = at::empty({static_cast<std::int64_t>(size)}, at::kByte);
  if (size > 0) std::memcpy(copy.mutable_data_ptr(), data.get(), size);
  return copy;
}

nlohmann::json Archive::program() const {
  nlohmann::json program = nlohmann::json::parse(text("models/" + name_ + ".json"));
  const nlohmann::json& version = program.at("schema_version");
  if (version.at("major") != kSchemaMajor) {
    refuse("expected export schema " + std::to_string(kSchemaMajor) + ", got " + version.at("major").dump() + "." +
           version.at("minor").dump() + ", written by torch " +
           program.value("torch_version", "of an unknown version"));
  }
  return program;
}

std::vector<StoredTensor> Archive::tensors() const {
  std::vector<StoredTensor> all = tensors_in(kWeights, name_ + "_weights_config.json");
  for (StoredTensor& one : tensors_in(kConstants, name_ + "_constants_config.json")) {
    one.in_state_dict = false;
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<StoredTensor> Archive::tensors_in(const std::string& folder, const std::string& list) const {
  std::map<std::string, at::Tensor> records;
  std::map<std::pair<std::string, std::string>, at::Tensor> places;  // by record and place: one tensor
  std::vector<StoredTensor> tensors;
  const auto config = nlohmann::ordered_json::parse(text(folder + list));  // in the order of state_dict()
  for (const auto& [name, entry] : config.at("config").items()) {
    if (entry.at("use_pickle") == true)
      refuse("tensor '" + name + "' is pickled (a subclass of Tensor, or an object), which Python alone reads");
    const nlohmann::json meta = entry.at("tensor_meta");
    const std::string record = folder + entry.at("path_name").get<std::string>();
    at::Tensor& raw = records[record];
    if (!raw.defined()) raw = bytes(record);
    const Place place(meta);
    place.expect_within(raw.numel() / static_cast<std::int64_t>(c10::elementSize(place.type)), name, record);
    at::Tensor& tensor = places[{record, meta.dump()}];
    if (!tensor.defined()) tensor = place.view_of(raw);
    const bool parameter = entry.at("is_param") == true;
    tensor.set_requires_grad(parameter && meta.at("requires_grad") == true);
    tensors.push_back({name, tensor, parameter, true, record});
  }
  return tensors;
}

std::string Archive::with_values(const std::function<at::Tensor(const std::string& name)>& now) const {
  const c10::AutoGradMode no_grad(false);
  std::map<std::string, at::Tensor> records;  // by name, as this archive holds them
  for (const StoredTensor& stored : tensors()) {
    at::Tensor(stored.tensor).set_requires_grad(false).copy_(now(stored.name));
    records.emplace(stored.record, stored.tensor);
  }
  std::string written;
  caffe2::serialize::PyTorchStreamWriter writer([&written](const void* data, std::size_t size) {
    written.append(static_cast<const char*>(data), size);
    return size;
  });
  for (const std::string& record : zip_->getAllRecords()) {
    if (record.starts_with(".data/")) continue;  // the writer makes its own
    if (const auto found = records.find(record); found != records.end()) {
      const c10::Storage& storage = found->second.storage();
      writer.writeRecord(record, storage.data(), storage.nbytes());
    } else {
      const auto [data, size] = zip_->getRecord(record);
      writer.writeRecord(record, data.get(), size);
    }
  }
  writer.writeEndOfFile();
  return written;
}

}  // namespace gradquake::model::exported

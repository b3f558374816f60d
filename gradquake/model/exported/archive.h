// A .pt2 file, as torch.export.save writes it: a zip archive of
//
//   models/NAME.json                          the graph, and what goes in and out (schema.h)
//   data/weights/NAME_weights_config.json     parameters and persistent buffers: type, shape, place, record
//   data/constants/NAME_constants_config.json the same of constants and of buffers that are not in state_dict()
//   data/weights/weight_0 ...                 their bytes, little endian
//
// Keys that are not named here are ignored, so that files of later minor versions of the schema are read.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace caffe2::serialize {
class PyTorchStreamReader;
}

namespace gradquake::model::exported {

struct StoredTensor {
  std::string name;        // as state_dict() names it
  at::Tensor tensor;       // tied weights have several names and are one tensor
  bool parameter = false;  // else a buffer or a constant
  bool in_state_dict = true;
  std::string record;  // of its bytes
};

class Archive {
 public:
  // Throws Refusal where the file is not an export archive that can be read: damaged, TorchScript, another schema.
  explicit Archive(const std::string& path);
  ~Archive();

  nlohmann::json program() const;
  // Copies, in the order of the archive's lists. Throws Refusal on one that is pickled or lies outside its record.
  std::vector<StoredTensor> tensors() const;

  // The bytes of an archive that differs from this one in the values of its tensors alone: those of `now`, by name,
  // converted to the stored dtype.
  std::string with_values(const std::function<at::Tensor(const std::string& name)>& now) const;

 private:
  std::string text(const std::string& record) const;
  at::Tensor bytes(const std::string& record) const;
  std::vector<StoredTensor> tensors_in(const std::string& folder, const std::string& list) const;

  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> zip_;
  std::string name_;  // of the one program in it
};

}  // namespace gradquake::model::exported

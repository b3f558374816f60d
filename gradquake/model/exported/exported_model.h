// A network that Python exported (torch.export), as a module: parameters and buffers by the names of state_dict(),
// sites by module path (module_sites.h), training and evaluation by the module's mode.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "gradquake/model/exported/archive.h"
#include "gradquake/model/exported/program.h"
#include "gradquake/model/model.h"

namespace gradquake::model::exported {

// How a batch meets forward's arguments, and which of its results is the output.
struct Wiring {
  std::vector<std::string> inputs;    // of each argument, the batch's tensor; empty: by the argument's own name, or the
                                      // batch's `input` where it is the only one
  std::optional<std::string> output;  // by its name (program.h); absent: the only one
};

class ExportedModel : public Model {
 public:
  // Throws UserError, naming the path, where the file cannot be read or carried out, or the wiring does not fit.
  ExportedModel(const std::string& path, DropoutMasks dropout, Wiring wiring);
  ~ExportedModel() override;

  at::Tensor forward(const at::Tensor& input) override;
  at::Tensor forward_batch(const data::Batch& batch) override;
  bool in_state_dict(const std::string& name) const override;
  std::int64_t most_rows() const override;
  std::vector<std::string> notes() const override;
  void save_beside_weights(const std::string& folder) const override;  // model.pt2

  const Program& program() const { return program_; }

 private:
  void register_state();
  void connect();

  const std::string path_;
  Wiring wiring_;
  std::unique_ptr<Archive> archive_;
  Program program_;
  std::unordered_set<std::string> outside_state_dict_;
  std::size_t output_ = 0;
};

}  // namespace gradquake::model::exported

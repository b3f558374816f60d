#include "gradquake/model/exported/exported_model.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "gradquake/core/error.h"
#include "gradquake/core/replace_file.h"
#include "gradquake/hooks/first_line.h"
#include "gradquake/model/exported/interpreter.h"
#include "gradquake/model/exported/refusal.h"
#include "gradquake/model/module_holder.h"

namespace gradquake::model::exported {
namespace {

// What `read` returns; whatever is wrong becomes one line about the file.
template <class Read>
auto reading(const std::string& path, const Read& read) {
  if (!std::filesystem::is_regular_file(path))
    throw UserError("model", "expected an archive of torch.export.save at '" + path + "', got no file");
  try {
    return read();
  } catch (const UserError&) {
    throw;
  } catch (const Refusal& refusal) {
    throw UserError("model", path + ": " + refusal.what());
  } catch (const std::exception& error) {  // LibTorch, JSON, numbers beyond their range, sizes beyond memory
    throw UserError("model", "expected an archive of torch.export.save at '" + path +
                                 "', got one that cannot be read: " + detail::first_line(error));
  }
}

std::string joined_names(const std::vector<Output>& outputs) {
  std::string names;
  for (const Output& output : outputs) names += (names.empty() ? "" : ", ") + output.name;
  return names;
}

}  // namespace

ExportedModel::ExportedModel(const std::string& path, DropoutMasks dropout, Wiring wiring)
    : path_(path), wiring_(std::move(wiring)) {
  reading(path_, [&] {
    archive_ = std::make_unique<Archive>(path_);
    program_ = read_program(archive_->program(), archive_->tensors(), dropout);
    register_state();
    connect();
  });
}

ExportedModel::~ExportedModel() = default;

void ExportedModel::register_state() {
  for (const StoredTensor& one : program_.state) {
    const auto [holder, name] = holder_of(*this, one.name);
    if (one.parameter)
      holder->register_parameter(name, one.tensor, one.tensor.requires_grad());
    else
      holder->register_buffer(name, one.tensor);
    if (!one.in_state_dict) outside_state_dict_.insert(one.name);
  }
}

void ExportedModel::connect() {
  const std::size_t inputs = program_.inputs.size();
  if (!wiring_.inputs.empty() && wiring_.inputs.size() != inputs) {
    refuse("expected model.inputs to name " + std::to_string(inputs) + " tensors, one an argument of forward, got " +
           std::to_string(wiring_.inputs.size()));
  }
  for (const Input& input : program_.inputs) {
    if (input.sizes.empty()) refuse("expected input '" + input.name + "' [rows, ...], got a single number");
    const Input::Size& rows = input.sizes[0];
    if (rows.least <= 1) continue;
    refuse("expected a batch dimension of any size, got " +
           (rows.least == rows.most ? std::to_string(rows.least) + " rows alone"
                                    : std::to_string(rows.least) + " rows on") +
           " in input '" + input.name +
           "': export with dynamic_shapes, dimension 0 a torch.export.Dim(\"batch\", min=2, max=4096)");
  }
  const std::vector<Output>& outputs = program_.outputs;
  if (!wiring_.output) {
    if (outputs.size() != 1) {
      refuse("expected model.output to say which of the outputs is trained on (" + joined_names(outputs) +
             "), got none");
    }
  } else {
    while (output_ < outputs.size() && outputs[output_].name != *wiring_.output) ++output_;
    if (output_ == outputs.size())
      refuse("expected model.output one of " + joined_names(outputs) + ", got '" + *wiring_.output + "'");
  }
}

at::Tensor ExportedModel::forward(const at::Tensor& input) {
  if (program_.inputs.size() != 1)
    throw UserError("model", path_ + ": expected " + std::to_string(program_.inputs.size()) + " inputs, got one");
  return carry_out(program_, {input}, is_training()).at(output_);
}

at::Tensor ExportedModel::forward_batch(const data::Batch& batch) {
  std::vector<at::Tensor> tensors;
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const std::string& own = program_.inputs[i].name;
    const bool alone = program_.inputs.size() == 1 && !batch.has(own);
    tensors.push_back(batch[!wiring_.inputs.empty() ? wiring_.inputs[i] : alone ? "input" : own]);
  }
  return carry_out(program_, tensors, is_training()).at(output_);
}

bool ExportedModel::in_state_dict(const std::string& name) const { return !outside_state_dict_.contains(name); }

std::int64_t ExportedModel::most_rows() const {
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const Input& input : program_.inputs) most = std::min(most, input.sizes.at(0).most);
  return most;
}

std::vector<std::string> ExportedModel::notes() const { return program_.notes; }

void ExportedModel::save_beside_weights(const std::string& folder) const {
  std::map<std::string, at::Tensor> now;
  for (const StoredTensor& one : program_.state) now[one.name] = one.tensor;
  const std::string bytes =
      reading(path_, [&] { return archive_->with_values([&](const std::string& name) { return now.at(name); }); });
  write_file("model", std::filesystem::path(folder) / "model.pt2", bytes);
}

}  // namespace gradquake::model::exported

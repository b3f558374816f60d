#include "gradquake/model/exported/exported_model.h"
#include "gradquake/model/kinds/models.h"

namespace gradquake::model::kinds {
namespace {

std::shared_ptr<Model> make_exported(const KindSpec& spec, const ModelInput&) {
  exported::Wiring wiring;
  if (spec.has("inputs")) wiring.inputs = spec.texts("inputs");
  if (spec.has("output")) wiring.output = spec.text("output");
  const bool torch = spec.text("dropout") == "torch";
  return std::make_shared<exported::ExportedModel>(
      spec.text("path"), torch ? exported::DropoutMasks::kTorch : exported::DropoutMasks::kAddressed,
      std::move(wiring));
}

}  // namespace

Parameter dropout_masks() {
  return Parameter::choice(
             "dropout", {"addressed", "torch"},
             "where its masks come from: addressed, like every draw; or LibTorch's generator, as in Python")
      .by_default("addressed");
}

ModelKind exported() {
  return {
      {.name = "exported",
       .summary = "a .pt2 file, as torch.export.save writes it in Python",
       .parameters = {Parameter::path("path", "the .pt2 file"), dropout_masks(),
                      Parameter::texts(
                          "inputs",
                          "the data's tensor for each argument of forward; null: by the argument's name, or `input` "
                          "where it is the only one")
                          .or_null(),
                      Parameter::text(
                          "output", "which of forward's results: a dict's key, a tuple's position; null: the only one")
                          .or_null()}},
      make_exported};
}

}  // namespace gradquake::model::kinds

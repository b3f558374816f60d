// Callbacks as kinds: registered under a name with typed parameters, switched on in a config.
//
//   run::callbacks().add({"norms", "writes the norm of every parameter",
//                         {Parameter::path("file", "where to")}},
//                        [](const KindSpec& spec) { return std::make_shared<Norms>(spec.text("file")); });
//
//   callbacks: [{kind: norms, file: norms.csv}]
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/config/reader.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/registry.h"
#include "gradquake/run/callback.h"

namespace gradquake::run {

using CallbackFactory = std::function<std::shared_ptr<Callback>(const KindSpec&)>;

// One a process. There is no built-in kind: the program's own jobs are always on.
GRADQUAKE_EXPORT Registry<CallbackFactory>& callbacks();

// One entry of `callbacks`. Its name in a checkpoint: the kind, with its position where the kind is listed twice.
struct PlacedCallback {
  KindSpec spec;
  std::string name;
  std::string place;  // in messages
};

GRADQUAKE_EXPORT std::vector<PlacedCallback> read_callbacks(config::Reader& root);

// Throws UserError that names the place where a factory throws or makes nothing.
GRADQUAKE_EXPORT std::shared_ptr<Callback> make_callback(const PlacedCallback& placed);

}  // namespace gradquake::run

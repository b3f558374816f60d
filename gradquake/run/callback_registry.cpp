#include "gradquake/run/callback_registry.h"

#include <algorithm>

#include "gradquake/config/kind_reader.h"
#include "gradquake/core/error.h"

namespace gradquake::run {

Registry<CallbackFactory>& callbacks() {
  static Registry<CallbackFactory> registry("callback", {});
  return registry;
}

std::vector<PlacedCallback> read_callbacks(config::Reader& root) {
  std::vector<PlacedCallback> placed;
  if (!root.has("callbacks")) return placed;
  for (config::Reader& reader : root.list("callbacks")) {
    reader.require("kind");
    const std::string place = reader.place("kind") + ": " + reader.dotted("kind");
    KindSpec spec = config::read_kind(reader, callbacks(), "");
    reader.finish();
    const auto taken = [&](const PlacedCallback& one) { return one.name == spec.kind; };
    const bool twice = std::any_of(placed.begin(), placed.end(), taken);
    const std::string name = twice ? spec.kind + "." + std::to_string(placed.size()) : spec.kind;
    placed.push_back({std::move(spec), name, place});
  }
  return placed;
}

std::shared_ptr<Callback> make_callback(const PlacedCallback& placed) {
  std::shared_ptr<Callback> made;
  try {
    made = callbacks().factory(placed.spec.kind)(placed.spec);
  } catch (const std::exception& error) {
    throw UserError("config", placed.place + ": the callback '" + placed.spec.kind + "' threw: " + error.what());
  }
  if (!made) {
    throw UserError(
        "config", placed.place + ": expected the factory of '" + placed.spec.kind + "' to return a callback, got none");
  }
  return made;
}

}  // namespace gradquake::run

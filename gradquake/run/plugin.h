// Plug-ins: shared libraries that add kinds (models, data sets, objectives, perturbations, schedules, callbacks, ...).
//
//   // mynet.cpp, built as libmynet.so and linked with gradquake::gradquake
//   #include <gradquake/run/plugin.h>
//   GRADQUAKE_PLUGIN {
//     gradquake::model::models().add({"mynet", "a network of mine"}, make_mynet);
//   }
//
//   plugins: [./libmynet.so]     # at the top of a config; its kinds are then known to the rest of it
//
// A plug-in shares its process with gradquake and LibTorch, so both have to be what it was built against: the entry
// says what that was, and a mismatch is one sentence where it would have been a crash.
#pragma once

#include <torch/version.h>

#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/run/version.h"

namespace gradquake::run {

// What a plug-in was built against. Its layout is for ever: later versions may only add fields at the end.
struct PluginEntry {
  const char* gradquake;  // version
  const char* libtorch;   // version
  int cxx11_abi;          // _GLIBCXX_USE_CXX11_ABI
  long language;          // __cplusplus
  void (*add_kinds)();    // called once a process
};

// Loads each library unless it is loaded, and adds its kinds. Paths are relative to the working directory. Throws
// UserError, naming the library, where it is missing, is none, lacks a symbol or the entry, was built against other
// versions, or adds a kind that is taken.
GRADQUAKE_EXPORT void load_plugins(const std::vector<std::string>& paths);

}  // namespace gradquake::run

#define GRADQUAKE_PLUGIN                                                                                          \
  static void gradquake_plugin_add_kinds();                                                                       \
  extern "C" GRADQUAKE_EXPORT const gradquake::run::PluginEntry gradquake_plugin;                                 \
  extern "C" const gradquake::run::PluginEntry gradquake_plugin = {                                               \
      gradquake::run::kVersion, TORCH_VERSION, _GLIBCXX_USE_CXX11_ABI, __cplusplus, &gradquake_plugin_add_kinds}; \
  static void gradquake_plugin_add_kinds()

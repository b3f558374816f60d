#include "gradquake/run/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <mutex>
#include <set>

#include "gradquake/core/error.h"

namespace gradquake::run {
namespace {

[[noreturn]] void refuse_plugin(const std::string& path, const std::string& message) {
  throw UserError("plugins", path + ": " + message);
}

void expect_same_build(const std::string& path, const PluginEntry& entry) {
  const auto expect = [&](const std::string& what, const std::string& here, const std::string& there) {
    if (here != there)
      refuse_plugin(path,
                    fmt::format("expected a plug-in built against {} {}, got one built against {}", what, here, there));
  };
  expect("gradquake", kVersion, entry.gradquake);
  expect("LibTorch", TORCH_VERSION, entry.libtorch);
  expect("the C++ library's new ABI:", std::to_string(_GLIBCXX_USE_CXX11_ABI), std::to_string(entry.cxx11_abi));
  expect("C++", std::to_string(__cplusplus), std::to_string(entry.language));
}

std::string loader_error() {
  const char* const error = dlerror();
  return error ? error : "for a reason that the loader does not tell";
}

void load_plugin(const std::string& path) {
  // Never closed: what it added lives as long as the process. A name without a slash would be looked up elsewhere.
  void* const library = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse_plugin(path, "expected a plug-in, got what cannot be loaded: " + loader_error());
  const auto* const entry = static_cast<const PluginEntry*>(dlsym(library, "gradquake_plugin"));
  if (entry == nullptr)
    refuse_plugin(path,
                  "expected a plug-in, with GRADQUAKE_PLUGIN (gradquake/run/plugin.h) in it, got a library without");
  expect_same_build(path, *entry);
  try {
    entry->add_kinds();
  } catch (const std::exception& error) {
    refuse_plugin(path, error.what());
  }
}

}  // namespace

void load_plugins(const std::vector<std::string>& paths) {
  static std::mutex mutex;
  static std::set<std::string> loaded;
  const std::lock_guard lock(mutex);
  for (const std::string& path : paths) {
    if (!std::filesystem::is_regular_file(path))
      refuse_plugin(path, "expected a plug-in, a shared library, got no file");
    const std::string canonical = std::filesystem::canonical(path).string();
    if (loaded.count(canonical) > 0) continue;
    load_plugin(path);
    loaded.insert(canonical);
  }
}

}  // namespace gradquake::run

// A plug-in of another version of gradquake, which may not even be called.
#include "gradquake/run/plugin.h"

extern "C" GRADQUAKE_EXPORT const gradquake::run::PluginEntry gradquake_plugin;
extern "C" const gradquake::run::PluginEntry gradquake_plugin = {"0.0.1", TORCH_VERSION, _GLIBCXX_USE_CXX11_ABI,
                                                                 __cplusplus, nullptr};

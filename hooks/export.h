// Marks what libgradquake_hooks shows to its users; everything else stays hidden.
#pragma once
#define GRADQUAKE_HOOKS_EXPORT __attribute__((visibility("default")))

// Marks what the shared libraries show to their users; everything else stays hidden.
#pragma once
#define GRADQUAKE_EXPORT __attribute__((visibility("default")))

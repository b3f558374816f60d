// Marks what libgradquake shows to its users; everything else stays hidden.
#pragma once
#define GRADQUAKE_EXPORT __attribute__((visibility("default")))

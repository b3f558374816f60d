// The Highway targets that kernels are compiled for; comes before hwy/foreach_target.h. AVX2 and AVX-512 only, and what
// stands for the rest: targets before them have no fused multiply-add. Internal to hooks/.
#pragma once

#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (~(HWY_AVX2 | HWY_AVX3 | HWY_SCALAR | HWY_EMU128))
#endif
#include <hwy/detect_targets.h>
#ifndef HWY_EMU128  // Highway 0.16 (Ubuntu 22.04) has no such target
#define HWY_EMU128 0
#endif

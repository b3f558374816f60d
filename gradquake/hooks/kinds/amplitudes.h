// The built-in amplitudes, one file each, for the table in schedule.cpp. Internal to hooks/.
#pragma once

#include "gradquake/hooks/schedule.h"

namespace gradquake::kinds {

using AmplitudeKind = Registry<AmplitudeFactory>::Kind;

AmplitudeKind constant_amplitude();
AmplitudeKind horizon_amplitude();
AmplitudeKind decay_amplitude();
AmplitudeKind linear_amplitude();

}  // namespace gradquake::kinds

// The built-in learning-rate schedules, one file each, for the table in learning_rate.cpp. Internal to train/.
#pragma once

#include "gradquake/train/learning_rate.h"

namespace gradquake::train::kinds {

using LearningRateKind = Registry<LearningRateFactory>::Kind;

LearningRateKind constant_rate();
LearningRateKind inverse_sqrt_rate();
LearningRateKind cosine_rate();
LearningRateKind step_rate();

}  // namespace gradquake::train::kinds

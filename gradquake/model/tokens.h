// What networks on tokens share: samples of one dimension, each number of them a class, int64 [rows, length].
#pragma once

#include <string>

#include "gradquake/model/registry.h"

namespace gradquake::model {

// Throws UserError unless the data's samples are sequences and it has classes.
void expect_sequences(const std::string& kind, const ModelInput& input);

// Throws UserError unless the tensor holds integers, [rows, length], the length at most `context` unless that is 0.
void expect_tokens(const std::string& kind, const at::Tensor& tokens, std::int64_t context = 0);

}  // namespace gradquake::model

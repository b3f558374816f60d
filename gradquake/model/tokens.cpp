#include "gradquake/model/tokens.h"

#include "gradquake/core/error.h"

namespace gradquake::model {

void expect_sequences(const std::string& kind, const ModelInput& input) {
  if (input.sample.size() != 1)
    throw UserError("model", kind + ": expected sequences of tokens [length], got samples of " +
                                 std::to_string(input.sample.size()) + " dimensions");
  if (input.classes < 1)
    throw UserError("model", kind + ": expected classes, one a token, got " +
                                 (input.numbers > 0 ? "numbers" : "labels -1 / +1") + " as targets");
}

void expect_tokens(const std::string& kind, const at::Tensor& tokens, std::int64_t context) {
  if (!at::isIntegralType(tokens.scalar_type(), false) || tokens.dim() != 2)
    throw UserError("model", kind + ": expected tokens as integers [rows, length], got " +
                                 c10::toString(tokens.scalar_type()) + c10::str(" of shape ", tokens.sizes()));
  if (context > 0 && tokens.size(1) > context)
    throw UserError("model", kind + ": expected at most " + std::to_string(context) + " tokens, its context, got " +
                                 std::to_string(tokens.size(1)));
}

}  // namespace gradquake::model

#include "gradquake/hooks/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros.h>

#include <string>
#include <vector>

#include "gradquake/hooks/dropout_state.h"
#include "gradquake/hooks/random/noise.h"
#include "gradquake/hooks/random/stream.h"
#include "gradquake/hooks/refuse.h"

namespace gradquake {
namespace detail {

constinit thread_local DropoutState* dropout_state = nullptr;

}  // namespace detail

namespace {

// out[i] = 0 or `kept`, by the draw of element first + i.
void draw_mask(float* out, std::int64_t n, double p, float kept, Stream stream, std::uint64_t first) {
  const auto threshold = static_cast<float>(2 * p - 1);  // draws are uniform in [-1, 1)
  at::parallel_for(0, n, static_cast<std::int64_t>(kNoiseChunk), [&](std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    add_noise(Variate::kUniform, out + begin, out + begin, count, 0.0F, 1.0F, stream,
              first + static_cast<std::uint64_t>(begin));
    for (std::int64_t i = begin; i < end; ++i) out[i] = out[i] < threshold ? 0 : kept;
  });
}

// Elements before this micro-batch's first.
std::uint64_t first_element(const DropoutContext& context, const at::Tensor& tensor, const Site& site) {
  if (context.first_row == 0) return 0;
  const std::int64_t size = tensor.dim() == 0 ? 0 : tensor.size(0);
  if (size == 0 || size % context.rows != 0) {
    detail::refuse_at(site.name(),
                      "expected dropout in a split batch on a tensor whose dimension 0 holds a multiple of " +
                          std::to_string(context.rows) + " samples, got " + c10::str("shape ", tensor.sizes()));
  }
  return static_cast<std::uint64_t>(context.first_row) * static_cast<std::uint64_t>(tensor.numel() / context.rows);
}

}  // namespace

DropoutScope::DropoutScope(const DropoutContext& context)
    : state_(std::make_unique<detail::DropoutState>()), outer_(detail::dropout_state) {
  detail::require_rows(context.step, context.first_row, context.rows);
  state_->context = context;
  detail::dropout_state = state_.get();
}

DropoutScope::~DropoutScope() { detail::dropout_state = outer_; }

void DropoutScope::rewind() { state_->occurrences = {}; }

DropoutAside::DropoutAside()
    : before_(detail::dropout_state == nullptr ? nullptr
                                               : std::make_unique<detail::DropoutState>(*detail::dropout_state)) {}

DropoutAside::~DropoutAside() { rewind(); }

void DropoutAside::rewind() {
  if (before_ != nullptr) *detail::dropout_state = *before_;
}

at::Tensor dropout(const Site& site, const at::Tensor& tensor, double p) {
  if (!(p >= 0 && p < 1)) detail::refuse("a dropout probability in [0, 1)", std::to_string(p));
  if (!tensor.is_floating_point())
    detail::refuse_at(site.name(), c10::str("expected dropout on a floating tensor, got ", tensor.toString()));
  detail::DropoutState* const state = detail::dropout_state;
  if (state == nullptr) return at::dropout(tensor, p, true);
  const std::uint64_t key = stream_key(state->context.seed, 0, site.name(), Direction::kForward, "dropout");
  const Stream stream = make_stream(key, state->context.step, state->occurrences.take(site));
  const at::Tensor mask = at::zeros(tensor.sizes(), at::kFloat);
  draw_mask(mask.mutable_data_ptr<float>(), mask.numel(), p, static_cast<float>(1 / (1 - p)), stream,
            first_element(state->context, tensor, site));
  return at::mul(tensor, mask.to(tensor.device(), tensor.scalar_type()));
}

at::Tensor dropout(std::string_view site, const at::Tensor& tensor, double p) { return dropout(Site(site), tensor, p); }

}  // namespace gradquake

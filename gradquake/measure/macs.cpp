#include "gradquake/measure/macs.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>

#include "gradquake/curvature/state_guard.h"
#include "gradquake/hooks/observe.h"
#include "gradquake/hooks/sites/beneath.h"
#include "gradquake/measure/operator_calls.h"

namespace gradquake::measure {
namespace {

constexpr std::uint64_t kMacsDropoutSeed = 1;

// Each product, and which of its inputs is the first factor.
struct Product {
  const char* name;
  std::size_t first;
};

constexpr Product kMatrixProducts[] = {{"mm", 0}, {"addmm", 1}, {"bmm", 0}, {"baddbmm", 1}, {"addbmm", 1}};
constexpr Product kVectorProducts[] = {{"mv", 0}, {"addmv", 1}, {"dot", 0}, {"vdot", 0}};

std::int64_t convolution_macs(c10::ArrayRef<const c10::IValue> inputs) {
  const at::Tensor input = inputs[0].toTensor(), weight = inputs[1].toTensor();
  const std::int64_t a_channel = weight.numel() / weight.size(0);  // of the output; transposed: of the input
  if (inputs[6].toBool()) return input.numel() * a_channel;
  const std::vector<std::int64_t> stride = inputs[3].toIntVector(), padding = inputs[4].toIntVector(),
                                  dilation = inputs[5].toIntVector();
  std::int64_t positions = input.size(0);
  for (std::int64_t d = 2; d < input.dim(); ++d) {
    const auto of = [d](const std::vector<std::int64_t>& all) {  // one number stands for all dimensions
      return all.size() == 1 ? all[0] : all[static_cast<std::size_t>(d - 2)];
    };
    positions *= (input.size(d) + 2 * of(padding) - of(dilation) * (weight.size(d) - 1) - 1) / of(stride) + 1;
  }
  return positions * weight.size(0) * a_channel;
}

std::int64_t attention_macs(c10::ArrayRef<const c10::IValue> inputs) {
  const at::Tensor query = inputs[0].toTensor(), key = inputs[1].toTensor(), value = inputs[2].toTensor();
  return query.numel() / query.size(-1) * key.size(-2) * (query.size(-1) + value.size(-1));
}

}  // namespace

std::optional<std::int64_t> macs_of(const std::string& name, c10::ArrayRef<const c10::IValue> inputs) {
  for (const Product& product : kMatrixProducts)
    if (name == product.name)
      return inputs[product.first].toTensor().numel() * inputs[product.first + 1].toTensor().size(-1);
  for (const Product& product : kVectorProducts)
    if (name == product.name) return inputs[product.first].toTensor().numel();
  if (name == "convolution") return convolution_macs(inputs);
  if (name == "scaled_dot_product_attention" || name == "_scaled_dot_product_attention") return attention_macs(inputs);
  return std::nullopt;
}

std::int64_t Macs::of(const std::string& site) const {
  const auto found = std::find_if(sites.begin(), sites.end(), [&](const SiteMacs& one) { return one.site == site; });
  return found == sites.end() ? 0 : found->macs;
}

Macs count_macs(const train::Task& task, const data::Batch& batch, bool beneath) {
  Macs macs;
  const curvature::StateGuard guard(*task.model, kMacsDropoutSeed);
  const at::AutoGradMode with_graph(true);
  const ObserverScope taps({.on_forward =
                                [&macs](const TapPoint& at, const at::Tensor& /*tensor*/) {
                                  if (is_saved_name(at.site.name())) return at::Tensor();
                                  auto known =
                                      std::find_if(macs.sites.begin(), macs.sites.end(),
                                                   [&at](const SiteMacs& one) { return one.site == at.site.name(); });
                                  if (known == macs.sites.end()) known = macs.sites.insert(known, {at.site.name(), 0});
                                  known->macs += macs.behind;
                                  macs.behind = 0;
                                  return at::Tensor();
                                },
                            .beneath = beneath});
  const OperatorCalls calls([&macs](const std::string& name, c10::ArrayRef<const c10::IValue> inputs) {
    const std::optional<std::int64_t> own = macs_of(name, inputs);
    macs.behind += own.value_or(0);
    return own.has_value();
  });
  task.forward(batch);
  return macs;
}

}  // namespace gradquake::measure

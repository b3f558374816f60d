#include "gradquake/measure/macs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <memory>
#include <utility>
#include <vector>

#include "gradquake/hooks/tap.h"

namespace gradquake::measure {
namespace {

// A task whose forward pass is this.
train::Task task_of(std::function<at::Tensor(const at::Tensor& x)> forward) {
  train::Task task;
  task.model = std::make_shared<torch::nn::Module>();
  task.forward = [forward = std::move(forward)](const data::Batch& batch) { return forward(batch.input()); };
  return task;
}

Macs macs(const at::Tensor& x, std::function<at::Tensor(const at::Tensor& x)> forward) {
  return count_macs(task_of(std::move(forward)), data::Batch(x, at::zeros({x.size(0)}, at::kLong)));
}

TEST(MacsTest, AnMlpHasRowsTimesTheSumOfInTimesOut) {
  constexpr std::int64_t kRows = 5, kIn = 6, kHidden = 8, kOut = 3;
  torch::nn::Linear first(kIn, kHidden), second(torch::nn::LinearOptions(kHidden, kHidden).bias(false)),
      head(kHidden, kOut);
  const Macs found = macs(at::randn({kRows, kIn}), [&](const at::Tensor& x) {
    at::Tensor y = tap("fc1", at::tanh(first->forward(x)));
    y = tap("fc2", at::relu(second->forward(y)));
    y = tap("twice", y + 1);
    return head->forward(y);
  });
  ASSERT_EQ(found.sites.size(), 3U);
  EXPECT_EQ(found.of("fc1"), kRows * kIn * kHidden);
  EXPECT_EQ(found.of("fc2"), kRows * kHidden * kHidden);
  EXPECT_EQ(found.of("twice"), 0);
  EXPECT_EQ(found.behind, kRows * kHidden * kOut);
}

TEST(MacsTest, OneLayerTappedTwiceHasTheSum) {
  torch::nn::Linear layer(4, 4);
  const Macs found = macs(at::randn({2, 3, 4}), [&](const at::Tensor& x) {
    return tap("layer", layer->forward(tap("layer", layer->forward(x))));
  });
  ASSERT_EQ(found.sites.size(), 1U);
  EXPECT_EQ(found.of("layer"), 2 * (2 * 3) * 4 * 4);
}

// Whatever a convolution is made of inside: float64 goes through matrix products of its own.
TEST(MacsTest, AConvolutionHasAMultiplicationAnOutputAndAWeightOfIt) {
  constexpr std::int64_t kRows = 2, kIn = 4, kOut = 6, kGroups = 2;
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::Tensor x = at::randn({kRows, kIn, 9, 7}, dtype);
    const at::Tensor weight = at::randn({kOut, kIn / kGroups, 3, 2}, dtype).requires_grad_();
    const Macs strided = macs(x, [&](const at::Tensor& y) {
      return tap("conv", at::conv2d(y, weight, {}, {2, 1}, {1, 0}, {1, 2}, kGroups));
    });
    const std::int64_t height = (9 + 2 - 2 - 1) / 2 + 1, width = 7 - 2 * 1 - 1 + 1;
    EXPECT_EQ(strided.of("conv"), kRows * height * width * kOut * (kIn / kGroups) * 3 * 2);
    const Macs same = macs(x, [&](const at::Tensor& y) {
      return tap("conv", at::conv2d(y, weight, {}, 1, c10::string_view("same"), 1, kGroups));
    });
    EXPECT_EQ(same.of("conv"), kRows * 9 * 7 * kOut * (kIn / kGroups) * 3 * 2);
    const at::Tensor up = at::randn({kIn, kOut, 2, 2}, dtype).requires_grad_();
    const Macs transposed = macs(x, [&](const at::Tensor& y) { return tap("up", at::conv_transpose2d(y, up, {}, 2)); });
    EXPECT_EQ(transposed.of("up"), kRows * 9 * 7 * kIn * kOut * 2 * 2);
    const Macs line = macs(x.flatten(2), [&](const at::Tensor& y) {
      return tap("line", at::conv1d(y, weight.select(3, 0), {}, 1, 1, 1, kGroups));
    });
    EXPECT_EQ(line.of("line"), kRows * 63 * kOut * (kIn / kGroups) * 3);
  }
}

TEST(MacsTest, AttentionHasTheProductsWithKeysAndWithValues) {
  constexpr std::int64_t kRows = 2, kHeads = 3, kLength = 5, kKeys = 7, kWidth = 4;
  const at::Tensor keys = at::randn({kRows, kHeads, kKeys, kWidth}), values = at::randn_like(keys);
  const std::int64_t expected = kRows * kHeads * kLength * kKeys * 2 * kWidth;
  const at::Tensor queries = at::randn({kRows, kHeads, kLength, kWidth});
  const Macs fused = macs(queries, [&](const at::Tensor& q) {
    return tap("attention", at::scaled_dot_product_attention(q, keys, values));
  });
  EXPECT_EQ(fused.of("attention"), expected);
  const Macs spelled_out = macs(queries, [&](const at::Tensor& q) {
    return tap("attention", at::matmul(at::softmax(at::matmul(q, keys.transpose(2, 3)), -1), values));
  });
  EXPECT_EQ(spelled_out.of("attention"), expected);
  const Macs einsum = macs(queries, [&](const at::Tensor& q) {
    return tap("scores", at::einsum("bhle,bhse->bhls", {q, keys}));
  });
  EXPECT_EQ(einsum.of("scores"), expected / 2);
}

}  // namespace
}  // namespace gradquake::measure

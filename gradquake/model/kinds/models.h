// The networks that the library brings, one file each, for the table in registry.cpp. n operators f_0 .. f_{n-1}; a
// site lies behind each. `outputs` is the data's number of classes, 1 where the labels are -1 / +1.
#pragma once

#include "gradquake/model/registry.h"

namespace gradquake::model::kinds {

using ModelKind = Registry<ModelFactory>::Kind;

// f1 = -y h^T w (arXiv 2602.20646 (53); the label is inside), site `f1`, parameter `w` [features], 0 at first.
// forward(h) without a label is the score h^T w, and no site. Only for labels -1 / +1.
ModelKind logistic();

// y_i = W_i y_{i-1}: sites `layers.i`, parameters `layers.i.weight` [out, in]. Either `widths`, or `depth` operators of
// the data's width, the last one onto `outputs`. Weights U(-1/sqrt(in), 1/sqrt(in)); with `orthogonal` they are factor
// times a matrix with orthonormal columns (rows where out < in), so that ||W x|| = factor ||x|| where out >= in.
ModelKind linear_chain();

// f_i = dropout(activation(W_i y + b_i)), the last one without activation and dropout: sites `layers.i`, parameters
// `layers.i.weight` [out, in] and `layers.i.bias` [out], all U(-1/sqrt(in), 1/sqrt(in)). The input is flattened.
ModelKind mlp();

// Blocks on images [channels, rows, columns], then a linear map of the flattened result onto `outputs`: sites
// `blocks.i` and `head`, parameters `blocks.i.conv.*` (a bias only without batch-norm), `blocks.i.norm.*`, `head.*`. A
// block: conv 3x3 (stride 1, padding 1) -> batch-norm, if asked for -> relu -> 2x2 max pool, if asked for.
ModelKind cnn();

// The residual network for small images of He et al. 2016 (arXiv 1512.03385), section 4.2, of depth 6n + 2, its modules
// and parameters named as torchvision's: conv1, bn1, layer1.0.{conv1, bn1, conv2, bn2} ... layer3.{n-1}, fc. Images of
// any size and number of channels; width, 2 width, 4 width channels in the three stages, rows and columns halved by
// the first block of layer2 and of layer3. The shortcuts of these two are option B, a 1x1 convolution and batch-norm
// (layer2.0.downsample.{0, 1}); every other shortcut is the identity. Sites, in the order in which they run: `relu`,
// the stem behind its relu; of each block `layer1.0.bn2`, the branch before the addition, and `layer1.0`, the block's
// output; `fc`. Convolutions N(0, 2 / (out k^2)) (Kaiming, fan out), batch-norm 1 and 0, fc U(-1/sqrt(in), 1/sqrt(in)).
ModelKind resnet();

// A decoder with layer-norm in front of each branch (pre-norm), on tokens int64 [rows, length], a token of `outputs`
// many; output [rows, length, outputs], that of a token from it and those before it. Modules:
// embedding.{token, position} (learned positions, one of `context` each),
// blocks.i.{norm1, attention.{qkv, proj}, norm2, mlp.{fc1, fc2}} (exact GELU), norm, head (weights of its own). Sites:
// `embedding`; of each block `blocks.i.attention` and `blocks.i.mlp`, the branches before their additions, and
// `blocks.i`, the residual stream; `norm`; `head`. Dropout, if any, acts on `embedding` and the branches, none on
// attention's weights. Linear maps and embeddings N(0, 0.02^2), biases 0, layer-norms 1 and 0.
ModelKind transformer();

// Tokens as for the transformer, any length: embedding -> lstm.0, lstm.1, ... (each a torch.nn.LSTM of one layer, whose
// state starts at 0 with each sequence) -> head. Sites: `embedding`, `lstm.i`, `head`; dropout, if any, acts on all but
// the last. Embedding N(0, 1), all else U(-1/sqrt(width), 1/sqrt(width)), as in Python.
ModelKind lstm();

// A .pt2 file (exported/exported_model.h). Sites: the outputs of its modules by their paths, and beneath them, for
// globs with a colon, the outputs of operators. Its weights are those of the file, whatever the seed.
ModelKind exported();

// A file of torch.jit.save (script/script_model.h). Sites as of an exported model, without the operators beneath.
ModelKind torchscript();

// `dropout: addressed | torch` of models from Python.
Parameter dropout_masks();

// A list of at least an input and an output width, for mlp and linear_chain.
Parameter widths(std::string meaning);
std::optional<KindProblem> check_widths(const KindSpec& spec);

}  // namespace gradquake::model::kinds

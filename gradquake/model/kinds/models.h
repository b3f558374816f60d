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

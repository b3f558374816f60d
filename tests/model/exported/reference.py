"""What Python computes from an exported network, for exported_python_test.cpp to compare with.

    reference.py FILE.pt2 OUT.safetensors

One thread. Three steps of gradient descent at a learning rate of 0.05 on torch.export.load(FILE).module(), the default
generator seeded with the step before each forward; then an output in evaluation. OUT holds

    input.NAME   by the name of forward's argument, five rows
    target       classes, where the loss is cross entropy (of the output, or of `logits`); none where there is a `loss`
    loss0 ...    of each step
    grad0.NAME   of each parameter that has one
    state.NAME   parameters and buffers after the steps, those of state_dict()
    eval         the output in evaluation
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file

ROWS, LENGTH, LEARNING_RATE, STEPS = 5, 7, 0.05, 3
CLASSES_BELOW = {"pair": 4, "bert_tiny": 128}  # of integer inputs; 20 of others


def drawn_inputs(program, below):
    """One tensor an argument of forward; the first dynamic dimension is the batch."""
    inputs = {}
    for node in program.graph.nodes:
        if node.op != "placeholder" or node.name not in program.graph_signature.user_inputs:
            continue
        value = node.meta["val"]
        sizes = [size if isinstance(size, int) else (LENGTH if d else ROWS) for d, size in enumerate(value.shape)]
        if value.dtype.is_floating_point:
            inputs[node.name] = torch.randn(sizes, dtype=value.dtype)
        else:
            inputs[node.name] = torch.randint(below, sizes, dtype=value.dtype)
    return inputs


def output_of(result):
    """What is trained on: (tensor, whether it is the loss)."""
    if not isinstance(result, dict):
        return result, False
    return (result["loss"], True) if "loss" in result else (result["logits"], False)


def evaluating(program):
    """The module of the program as it evaluates.

    .eval() of an exported module raises, and what used to rewrite its graph (torch.ao.quantization's
    move_exported_model_to_eval) has left PyTorch for torchao. So the graph is rewritten here: flags of dropout,
    batch-norm and recurrent operators off, and nothing written into buffers.
    """
    module = program.module()
    for node in list(module.graph.nodes):
        if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
            continue
        declared = node.target._schema.arguments
        into = declared[0].alias_info if declared else None
        if into is not None and into.is_write and node.args[0].op == "get_attr":
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
            continue
        given = dict(zip((one.name for one in declared), node.args)) | node.kwargs
        for name, off in (("train", False), ("training", False), ("dropout_p", 0.0)):
            if name in given:
                given[name] = off
        if "use_input_stats" in given and given.get("running_mean") is not None:
            given["use_input_stats"] = False
        node.args, node.kwargs = (), given
        positional = [one.name for one in declared if not one.kwarg_only and one.name in given]
        node.args = tuple(given[name] for name in positional)
        node.kwargs = {name: value for name, value in given.items() if name not in positional}
    module.recompile()
    return module


def main(path, out):
    torch.set_num_threads(1)
    program = torch.export.load(path)
    torch.manual_seed(1)
    inputs = drawn_inputs(program, CLASSES_BELOW.get(path.stem, 20))
    written = {f"input.{name}": tensor for name, tensor in inputs.items()}
    output, is_loss = output_of(torch.export.load(path).module()(*inputs.values()))
    target = None
    if not is_loss:
        target = torch.randint(output.shape[-1], output.shape[:-1])
        written["target"] = target

    module = program.module()
    parameters = dict(module.named_parameters(remove_duplicate=False))
    for step in range(STEPS):
        torch.manual_seed(step)
        output, is_loss = output_of(module(*inputs.values()))
        loss = output if is_loss else torch.nn.functional.cross_entropy(output.flatten(0, -2), target.flatten())
        for parameter in parameters.values():
            parameter.grad = None
        loss.backward()
        written[f"loss{step}"] = loss
        with torch.no_grad():
            for parameter in {id(one): one for one in parameters.values() if one.grad is not None}.values():
                parameter.add_(parameter.grad, alpha=-LEARNING_RATE)
        written |= {f"grad{step}.{name}": one.grad for name, one in parameters.items() if one.grad is not None}

    # The program shares its tensors with the module.
    state = module.state_dict()
    for name in program.state_dict:
        assert torch.equal(program.state_dict[name], state[name]), name
        written[f"state.{name}"] = program.state_dict[name]
    torch.manual_seed(STEPS)
    with torch.no_grad():
        written["eval"] = output_of(evaluating(program)(*inputs.values()))[0]
    for name, tensor in written.items():
        assert not tensor.is_floating_point() or tensor.isfinite().all(), name
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in written.items()}, out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), sys.argv[2])

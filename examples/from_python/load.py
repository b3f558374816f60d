"""Loads what gradquake trained: the weights into the network, and the whole as a program."""
import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 10))
net.load_state_dict(load_file("runs/from-python/weights.safetensors"))
inputs, targets = np.load("data/test_input.npy"), np.load("data/test_target.npy")
right = net.eval()(torch.from_numpy(inputs)).argmax(1).numpy() == targets
print(f"accuracy {right.mean():.4f}")
program = torch.export.load("runs/from-python/model.pt2")
assert all(torch.equal(value, net.state_dict()[name]) for name, value in program.state_dict.items())

"""Exports a network for gradquake, with the digits it learns: net.pt2 and data/."""
import os

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 10))
example = torch.randn(8, 64)
batch = torch.export.Dim("batch", min=2, max=4096)
torch.export.save(torch.export.export(net.train(), (example,), dynamic_shapes=({0: batch},)), "net.pt2")

os.makedirs("data", exist_ok=True)
inputs = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
targets = inputs[:, :10].argmax(1)
for name, rows in (("train", slice(0, 1600)), ("test", slice(1600, 2000))):
    np.save(f"data/{name}_input.npy", inputs[rows])
    np.save(f"data/{name}_target.npy", targets[rows])

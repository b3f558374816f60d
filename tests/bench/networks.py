"""The networks of networks.cpp as torch.export saves them: networks.py FOLDER writes FOLDER/{mlp,cnn,transformer}.pt2."""

import math
import pathlib
import sys

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, normed, pooled):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs) if normed else None
        self.pooled = pooled

    def forward(self, x):
        y = self.conv(x)
        y = torch.relu(self.norm(y) if self.norm else y)
        return torch.max_pool2d(y, 2) if self.pooled else y


class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(1000, 128)
        self.position = nn.Parameter(0.02 * torch.randn(32, 128))

    def forward(self, x):
        return self.table(x) + self.position


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project, self.merge = nn.Linear(128, 384), nn.Linear(128, 128)
        self.widen, self.shrink = nn.Linear(128, 256), nn.Linear(256, 128)
        self.norm1, self.norm2 = nn.LayerNorm(128), nn.LayerNorm(128)

    def forward(self, x):
        batch = x.shape[0]
        q, k, v = self.project(self.norm1(x)).view(batch, 32, 3, 4, 32).permute(2, 0, 3, 1, 4)
        mixed = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(32), -1) @ v
        y = x + self.merge(mixed.transpose(1, 2).reshape(batch, 32, 128))
        return y + self.shrink(nn.functional.gelu(self.widen(self.norm2(y))))


class MeanPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(128, 10)

    def forward(self, x):
        return self.linear(x.mean(1))


def networks():
    layers = [nn.Flatten()]
    for inputs in (256, 512, 512, 512, 512):
        layers += [nn.Linear(inputs, 512), nn.ReLU()]
    yield "mlp", nn.Sequential(*layers, nn.Linear(512, 10)), torch.randn(8, 256)
    blocks = [Block(3, 32, True, False), Block(32, 32, False, True), Block(32, 64, True, True), Block(64, 64, False, True)]
    yield "cnn", nn.Sequential(*blocks, nn.Flatten(), nn.Linear(1024, 10)), torch.randn(8, 3, 32, 32)
    stages = [Embed(), Attention(), Attention(), Attention(), MeanPool()]
    yield "transformer", nn.Sequential(*stages), torch.randint(0, 1000, (8, 32))


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
batch = torch.export.Dim("batch", min=2, max=4096)
for name, network, example in networks():
    program = torch.export.export(network.train(), (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, folder / f"{name}.pt2")

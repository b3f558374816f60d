"""Writes the reference runs beside this file, resnet.safetensors, transformer.safetensors and lstm.safetensors:

    python tests/model/reference/networks.py        # needs torch and safetensors; torch 2.13 wrote those committed

Each holds a small network's initial weights under their names in PyTorch's state_dict() (`initial.NAME`), five batches
(`inputs`, `targets`), of which step t takes number t mod 5, the `learning_rate`, and the loss of each of 50 steps before
its update (`losses`), all float64: plain SGD on the mean cross-entropy, batch-norm in training mode, no dropout.
reference_test.cpp trains the built-in networks from there. Attention is written out here, so that the two do not share
a kernel.
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

STEPS, BATCHES, ROWS = 50, 5, 4


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class Resnet(nn.Module):
    def __init__(self, depth, width, channels, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        blocks = (depth - 2) // 6

        def stage(inputs, outputs):
            first = Block(inputs, outputs, 1 if inputs == outputs else 2)
            return nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(blocks - 1)))

        self.layer1 = stage(width, width)
        self.layer2 = stage(width, 2 * width)
        self.layer3 = stage(2 * width, 4 * width)
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(y))).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        rows, length, width = x.shape
        q, k, v = (part.view(rows, length, self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(later, -math.inf).softmax(-1) @ v
        return self.proj(mixed.transpose(1, 2).reshape(rows, length, width))


class Decoder(nn.Module):
    def __init__(self, width, heads, feed_forward):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, feed_forward), "fc2": nn.Linear(feed_forward, width)})

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, layers, heads, width, feed_forward, context, classes):
        super().__init__()
        self.embedding = nn.ModuleDict({"token": nn.Embedding(classes, width), "position": nn.Embedding(context, width)})
        self.blocks = nn.Sequential(*(Decoder(width, heads, feed_forward) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        y = self.embedding.token(x) + self.embedding.position(torch.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(y)))


class Lstm(nn.Module):
    def __init__(self, layers, width, classes):
        super().__init__()
        self.embedding = nn.Embedding(classes, width)
        self.lstm = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(layers))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        y = self.embedding(x)
        for lstm in self.lstm:
            y, _ = lstm(y)
        return self.head(y)


def train(net, inputs, targets, learning_rate):
    """The loss of each step."""
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate)
    losses = []
    for step in range(STEPS):
        x, y = inputs[step % BATCHES], targets[step % BATCHES]
        scores = net(x)
        loss = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def write(name, net, inputs, targets, learning_rate):
    net = net.double()
    with torch.no_grad():
        for parameter in net.parameters():  # so that no bias is 0 and no scale 1
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    tensors = {"initial." + key: value.clone() for key, value in net.state_dict().items()}
    losses = train(net, inputs, targets, learning_rate)
    tensors |= {"inputs": inputs, "targets": targets, "losses": losses}
    tensors["learning_rate"] = torch.tensor(learning_rate, dtype=torch.float64)
    path = pathlib.Path(__file__).parent / f"{name}.safetensors"
    save_file(tensors, path)
    print(f"{path.name}: {path.stat().st_size} bytes, loss {losses[0]:.4f} -> {losses[-1]:.4f}")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    images = torch.randint(256, (BATCHES, ROWS, 2, 8, 7)).double() / 256
    write("resnet", Resnet(14, 4, 2, 5), images, torch.randint(5, (BATCHES, ROWS)), 0.05)
    text = torch.randint(11, (BATCHES, ROWS, 10))
    inputs, targets = text[..., :-1].contiguous(), text[..., 1:].contiguous()
    write("transformer", Transformer(2, 2, 12, 30, 12, 11), inputs, targets, 0.5)
    write("lstm", Lstm(2, 12, 11), inputs, targets, 4.0)


if __name__ == "__main__":
    main()

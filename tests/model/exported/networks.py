"""Small networks as torch.export saves them, for the tests of model kind exported.

    networks.py make OUT [NAME ...]     writes OUT/NAME.pt2 of every network, or of those named

Seeded, in training mode, float32, the first dimension of every input dynamic. What the exporting machine left in the
files (stack traces with its paths) is taken out of them. mlp.pt2, images.pt2 and shared.pt2 beside this script are
what it writes.
"""

import json
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Mlp(nn.Module):
    """Input [batch, 6], output [batch, 3]."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


class Images(nn.Module):
    """Input [batch, 3, 8, 8], output [batch, 5]."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4)
        self.norm2 = nn.GroupNorm(2, 8)
        self.relu = nn.ReLU(inplace=True)
        self.drop_maps = nn.Dropout2d(0.2)
        self.drop = nn.Dropout(0.3, inplace=True)  # of an output that autograd does not keep
        self.pool = nn.MaxPool2d(2)
        self.norm3 = nn.BatchNorm1d(6, momentum=0.3)
        self.embed = nn.Linear(32, 6)
        self.head = nn.Linear(6, 5)
        self.register_buffer("scale", torch.linspace(0.5, 1.5, 8).reshape(1, 8, 1, 1))

    def forward(self, x):
        y = self.relu(self.norm1(self.conv1(x)))
        left, right = y.chunk(2, 1)
        y = torch.cat([right, left * 2], 1) * self.scale
        y = self.drop_maps(self.relu(self.norm2(self.conv2(y))))
        y = self.pool(y)
        y.flatten(2).mul_(0.5)  # through a view
        y = self.embed(y.flatten(1))
        return self.head(torch.relu(self.drop(self.norm3(y))))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x)) + x


class Shared(nn.Module):
    """Input [batch, 4, 6], outputs logits [batch, 5] and extra [batch, 4]."""

    def __init__(self):
        super().__init__()
        self.base = Block(6)
        self.alias = self.base  # one module, two names
        self.nothing = nn.Identity()
        self.lstm = nn.LSTM(6, 7, batch_first=True)
        self.encode = nn.Linear(7, 4)
        self.decode = nn.Linear(7, 4)
        self.decode.weight = self.encode.weight  # tied, the biases are not
        self.head = nn.Linear(8, 5)
        self.register_buffer("offset", torch.linspace(-1, 1, 6), persistent=False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("level", torch.ones(()))

    def forward(self, x):
        self.steps.add_(1)
        self.level.mul_(0.5).add_(0.25)
        y = self.base(self.alias(self.base(x + self.offset)))
        y, (hidden, cell) = self.lstm(self.nothing(y))
        both = torch.cat([self.encode(y.mean(1)), self.decode(hidden[-1] * cell[-1])], 1)
        return {"logits": self.head(both) * self.level, "extra": self.decode(y.amax(1))}


class Encoder(nn.Module):
    """Input int64 [batch, length] below 20, output [batch, length, 20]."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(20, 16)
        self.places = nn.Embedding(12, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.head = nn.Linear(16, 20)

    def forward(self, tokens):
        length = tokens.shape[1]
        y = self.tokens(tokens) + self.places(torch.arange(length, device=tokens.device))
        mask = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        return self.head(self.layer(y, src_mask=mask))


class Pair(nn.Module):
    """Inputs x [batch, 6], mask [batch, 6], target int64 [batch] below 4; outputs the loss and logits [batch, 4]."""

    def __init__(self):
        super().__init__()
        self.x = nn.Linear(6, 8)
        self.mask = nn.Linear(6, 8, bias=False)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x, mask, target):
        y = self.norm(self.x(x * mask) * torch.sigmoid(self.mask(mask)))
        logits = self.head(F.dropout(F.gelu(y), 0.2, self.training))
        return {"loss": F.cross_entropy(logits, target), "logits": logits}


def rows(*more):
    return {0: torch.export.Dim("batch", min=2, max=512), **dict(more)}


def networks():
    """By name: the network, an input, what is dynamic of it."""
    length = torch.export.Dim("length", min=2, max=12)
    return {
        "mlp": (Mlp, (torch.randn(4, 6),), (rows(),)),
        "images": (Images, (torch.randn(4, 3, 8, 8),), (rows(),)),
        "shared": (Shared, (torch.randn(4, 4, 6),), (rows(),)),
        "encoder": (Encoder, (torch.randint(20, (4, 9)),), (rows((1, length)),)),
        "pair": (Pair, (torch.randn(4, 6), torch.ones(4, 6), torch.zeros(4, dtype=torch.int64)), (rows(),) * 3),
    }


def without_traces(path):
    """Rewrites the archive; its tensors stay as they are."""
    reader = torch._C.PyTorchFileReader(str(path))
    records = {name: reader.get_record(name) for name in reader.get_all_records() if not name.startswith(".data/")}
    for name in records:
        if not (name.startswith("models/") and name.endswith(".json")):
            continue
        program = json.loads(records[name])
        for node in program["graph_module"]["graph"]["nodes"]:
            node["metadata"].pop("stack_trace", None)
        records[name] = json.dumps(program, separators=(",", ":")).encode()
    del reader
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in records.items():
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def make(folder, wanted):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (network, inputs, dynamic) in networks().items():
        if wanted and name not in wanted:
            continue
        torch.manual_seed(len(name))
        program = torch.export.export(network().train(), inputs, dynamic_shapes=dynamic)
        path = folder / f"{name}.pt2"
        torch.export.save(program, path)
        without_traces(path)
        again = torch.export.load(path).state_dict
        assert again.keys() == program.state_dict.keys()
        assert all(torch.equal(again[key], program.state_dict[key]) for key in again)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "make":
        sys.exit(__doc__)
    make(pathlib.Path(sys.argv[2]), sys.argv[3:])

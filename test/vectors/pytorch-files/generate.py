"""Small files of torch.save, and what is in them.

    python3 test/vectors/pytorch-files/generate.py

Writes NAME.pt beside this script, and NAME.safetensors with every tensor of it under its path (the keys of dictionaries and the
indices of lists, joined by "/"), read back by torch.load and rounded to float32. Its metadata has `types` (the dtype of each
as the reader names it) and `plain` (every value that is no tensor, as JSON, by its path). Files of
the legacy format differ from run to run: their storages are named by where they were in memory. Needs PyTorch and NumPy.
"""

import io
import json
import struct
from collections import Counter, OrderedDict
from pathlib import Path

import numpy
import torch
from torch import nn

FOLDER = Path(__file__).parent

TYPES = {
    torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16",
    torch.int64: "i64", torch.int32: "i32", torch.int16: "i16", torch.int8: "i8",
    torch.uint64: "u64", torch.uint32: "u32", torch.uint16: "u16", torch.uint8: "u8", torch.bool: "bool",
}


def write_safetensors(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
    data = b""
    for name, tensor in tensors.items():
        raw = tensor.float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
        data += raw
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)


def flatten(value, path, tensors, plain):
    """Tensors by path, and all else as JSON by path."""
    if isinstance(value, torch.Tensor):
        tensors[path] = value.detach()
    elif isinstance(value, dict):
        for key, entry in value.items():
            flatten(entry, f"{path}/{key}" if path else str(key), tensors, plain)
    elif isinstance(value, (list, tuple, set)):
        for index, entry in enumerate(value):
            flatten(entry, f"{path}/{index}" if path else str(index), tensors, plain)
    elif isinstance(value, (bytes, bytearray)):
        plain[path] = {"bytes": list(value)}
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        plain[path] = {"bigint": str(value)}
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        plain[path] = {"float": str(value)}
    elif isinstance(value, (torch.dtype, torch.device)):
        plain[path] = str(value)
    elif isinstance(value, numpy.generic):
        plain[path] = value.item()
    else:
        plain[path] = value


def save(name, value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    (FOLDER / f"{name}.pt").write_bytes(buffer.getvalue())
    buffer.seek(0)
    # Our own file, written a moment ago: NumPy's scalars are not on PyTorch's list.
    loaded = torch.load(buffer, weights_only=False)
    tensors, plain = {}, {}
    flatten(loaded, "", tensors, plain)
    types = {path: TYPES[tensor.dtype] for path, tensor in tensors.items()}
    write_safetensors(FOLDER / f"{name}.safetensors", tensors, {"types": json.dumps(types), "plain": json.dumps(plain)})


class Model(nn.Module):
    """Every module whose state dict is read."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2)
        self.gru = nn.GRU(4, 3)
        self.rnn = nn.RNN(3, 2, bias=False)
        self.cell = nn.LSTMCell(2, 2)
        self.norm = nn.LayerNorm(2)
        self.head = nn.Linear(2, 3)

    def forward(self, tokens):
        x, _ = self.lstm(self.embedding(tokens))
        x, _ = self.gru(x)
        x, _ = self.rnn(x)
        return self.head(self.norm(self.cell(x[-1])[0]))


def trained():
    """A model and its Adam after three steps."""
    torch.manual_seed(1)
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(torch.randint(0, 5, (4, 2))).square().sum()
        loss.backward()
        optimizer.step()
    return model, optimizer


def main():
    model, optimizer = trained()
    weights = model.state_dict()
    save("modules", weights)
    save("modules-legacy", weights, _use_new_zipfile_serialization=False)
    save("modules-protocol-4", weights, pickle_protocol=4)
    save("modules-protocol-5", weights, pickle_protocol=5)

    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 5], gamma=0.5)
    small = nn.LSTM(2, 2)
    small_optimizer = torch.optim.Adam(small.parameters(), lr=1e-3)
    small(torch.ones(1, 1, 2))[0].sum().backward()
    small_optimizer.step()
    save("checkpoint", {
        "epoch": 7,
        "model": small.state_dict(),
        "optimizer": small_optimizer.state_dict(),
        "scheduler": {"milestones": Counter({2: 1, 5: 1}), "gamma": 0.5, "last": scheduler.last_epoch},
        "best": numpy.float64(0.875),
        "count": numpy.int64(-3),
        "rng": torch.arange(8, dtype=torch.uint8),
        "note": "äöü\u2028\N{SNOWMAN}",
    })
    save("checkpoint-legacy", {"state_dict": small.state_dict(), "optimizer_state_dict": small_optimizer.state_dict()},
         _use_new_zipfile_serialization=False)

    numbers = torch.tensor([0.0, -0.0, 1.0, -2.5, 3.14159, 6e-8, -5.9e-5, 60000.0])
    every = OrderedDict((name, numbers.to(dtype)) for name, dtype in [("f64", torch.float64), ("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)])
    whole = torch.tensor([0, 1, 5, 127])
    for dtype in [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint64, torch.uint32, torch.uint16, torch.uint8, torch.bool]:
        every[TYPES[dtype]] = whole.to(dtype)
    every["i64.large"] = torch.tensor([2**62 + 2**38 + 1, -(2**62) - 2**38 - 1, 2**53 + 1, -(2**63), 2**60 + 2**36])
    every["negative"] = torch.tensor([-1, -128], dtype=torch.int8)
    every["f16.edges"] = torch.tensor([0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x8001, 0x83ff], dtype=torch.int32).to(torch.int16).view(torch.float16)
    every["nan"] = torch.tensor([float("nan"), float("inf"), float("-inf")])
    save("dtypes", every)

    base = torch.arange(24, dtype=torch.float32)
    grid = base.view(2, 3, 4)
    save("views", {
        "base": base,
        "transposed": grid.transpose(0, 2),
        "permuted": grid.permute(1, 2, 0),
        "slice": grid[1, 1:, ::2],
        "column": base.view(6, 4)[:, 3],
        "expanded": base[5:6].expand(3, 4),
        "row": base[2:6].expand(3, 4),
        "diagonal": base.view(4, 6).diagonal(),
        "scalar": base[7],
        "empty": base[3:3],
        "hollow": torch.zeros(3, 0, 2),
        "one": base[4:5].view(1, 1, 1),
    })
    tied = nn.Parameter(torch.arange(6.0).view(2, 3))
    save("shared", OrderedDict([("embedding.weight", tied), ("output.weight", tied), ("row", tied[1]), ("buffer", torch.ones(2))]))
    attributed = nn.Parameter(torch.ones(2), requires_grad=False)
    attributed.note = "kept by Python alone"
    save("parameters", {"plain": nn.Parameter(torch.arange(3.0)), "attributed": attributed})
    save("wrapped", OrderedDict((f"_orig_mod.module.{name}", tensor) for name, tensor in small.state_dict().items()))
    save("plain", {
        "none": None, "true": True, "false": False, "int": -5, "wide": 2**40, "negative": -(2**40), "huge": 2**70, "low": -(2**70),
        "float": 0.1, "infinite": float("inf"), "text": "a\nb", "bytes": b"\x00\xffz", "no bytes": b"", "array": bytearray(b"xy"),
        "list": [1, [2, [3]]], "tuple": (1, 2, 3, 4), "one": {"x"}, "size": torch.Size([2, 3]), "dtype": torch.bfloat16,
        "device": torch.device("cuda", 1), "__proto__": {"polluted": 1}, "weight": torch.ones(1),
    })


main()

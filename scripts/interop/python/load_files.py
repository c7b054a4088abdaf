"""Loads the files NAME.pt of a folder as anybody would, and prints what is in them as JSON. See ../pytorch.ts.

    python3 load_files.py FOLDER NAME...
"""

import json
import sys
from pathlib import Path

import torch


def printed_number(value):
    if isinstance(value, (bool, int)):
        return str(int(value))
    if value != value:
        return "nan"
    if value == float("inf"):
        return "inf"
    return "-0" if value == 0 and str(value).startswith("-") else repr(int(value) if value == int(value) and abs(value) < 1e15 else value)


def printed(value):
    if isinstance(value, torch.Tensor):
        numbers = [printed_number(number) for number in value.flatten().tolist()]
        return {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape), "numbers": numbers}
    if isinstance(value, dict):
        return {"dict": [[key, printed(entry)] for key, entry in value.items()]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [printed(entry) for entry in value]}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return {"int": str(value)} if isinstance(value, int) else {"float": value}


class Recorded(torch.nn.Module):
    """The model of recorded.pt."""

    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
        self.head = torch.nn.Linear(8, 3)


def check_recorded(folder):
    """Files with a record beside the pickle load as any other, and what PyTorch makes of them is saved again."""
    model = Recorded()
    for mapped in (False, True):
        state = torch.load(folder / "recorded.pt", weights_only=True, mmap=mapped)
        model.load_state_dict(state, strict=True)
        checkpoint = torch.load(folder / "recorded-checkpoint.pt", weights_only=True, mmap=mapped)
        assert list(checkpoint) == ["model", "optimizer"]
        assert all(torch.equal(state[name], tensor) for name, tensor in checkpoint["model"].items())
    optimizer = torch.optim.Adam(model.parameters())
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, folder / "recorded-back.pt")


def main(folder, names):
    loaded = {name: torch.load(folder / f"{name}.pt", weights_only=True) for name in names}
    json.dump({name: printed(value) for name, value in loaded.items()}, sys.stdout)

    model = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    model.load_state_dict(loaded["lstm"], strict=True)
    mapped = torch.load(folder / "lstm.pt", weights_only=True, mmap=True)
    weights = loaded["checkpoint"]["model"]
    check_recorded(folder)
    torch.save({
        "state": model.state_dict(),
        "shared": weights["embedding.weight"].data_ptr() == weights["head.weight"].data_ptr(),
        "mapped": all(torch.equal(mapped[name], tensor) for name, tensor in loaded["lstm"].items()),
    }, folder / "back.pt")


main(Path(sys.argv[1]), sys.argv[2:])

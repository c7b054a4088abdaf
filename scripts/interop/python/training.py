"""Training that goes on elsewhere: the same batches, the same optimiser's state, the next ten losses.

    python training.py --vectors FOLDER    writes checkpoint.pt and training.safetensors
    python training.py --go-on FOLDER      reads ours.pt and batches.pt, which this package wrote, and prints PyTorch's next ten losses

`checkpoint.pt` is what a training loop saves after twenty steps, {"model", "optimizer", "epoch"}, in float32. `training.safetensors` has
x [16, steps, features], lengths, targets [16], two batches of eight that come in this order again and again, and `losses` [10]: of
the next steps, each before its step, in float64 from the numbers that the checkpoint holds.
"""

import argparse
import copy
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

STEPS, FEATURES, UNITS, CLASSES, BATCH = 6, 3, 5, 3, 8
BEFORE, AFTER = 20, 10


class Classifier(nn.Module):
    """Two layers in both directions, and a head on the final states."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(FEATURES, UNITS, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * UNITS, CLASSES)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h_n, _) = self.rnn(packed)
        return self.head(torch.cat([h_n[-2], h_n[-1]], dim=1))


def batches():
    targets = torch.arange(2 * BATCH) % CLASSES
    x = (torch.randn(2 * BATCH, STEPS, FEATURES) + 0.5 * targets[:, None, None]).float()
    return {"x": x, "lengths": torch.randint(1, STEPS + 1, (2 * BATCH,)), "targets": targets}


def train(model, optimizer, data, steps):
    losses = []
    for step in range(steps):
        batch = slice(BATCH * (step % 2), BATCH * (step % 2) + BATCH)
        optimizer.zero_grad()
        logits = model(data["x"][batch].double(), data["lengths"][batch])
        loss = nn.functional.cross_entropy(logits, data["targets"][batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def go_on(checkpoint, data):
    """The next losses, in float64: `load_state_dict` casts a state to its parameters' type."""
    model = Classifier().double()
    model.load_state_dict(checkpoint["model"], strict=True)
    saved, parameters = checkpoint["optimizer"], list(model.parameters())
    groups = [{"params": [parameters[i] for i in group["params"]]} for group in saved["param_groups"]]
    optimizer = torch.optim.Adam(groups)
    optimizer.load_state_dict(saved)
    return train(model, optimizer, data, AFTER)


def write_vectors(folder):
    torch.manual_seed(17)
    data, model = batches(), Classifier().double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.85, 0.99), weight_decay=0.01)
    train(model, optimizer, data, BEFORE)
    checkpoint = copy.deepcopy({"model": model.float().state_dict(), "optimizer": optimizer.state_dict(), "epoch": BEFORE // 2})
    for kept in checkpoint["optimizer"]["state"].values():
        kept |= {slot: value.float() for slot, value in kept.items()}
    torch.save(checkpoint, folder / "checkpoint.pt")
    loaded = torch.load(folder / "checkpoint.pt", weights_only=True)
    save_file(data | {"losses": go_on(loaded, data)}, folder / "training.safetensors", {"torch": torch.__version__})
    (folder / "training.safetensors").chmod(0o644)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--go-on", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.vectors:
        arguments.vectors.mkdir(parents=True, exist_ok=True)
        write_vectors(arguments.vectors)
    if arguments.go_on:
        checkpoint, data = (torch.load(arguments.go_on / name, weights_only=True) for name in ("ours.pt", "batches.pt"))
        print(json.dumps(go_on(checkpoint, data).tolist()))

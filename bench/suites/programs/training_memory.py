"""A program: what training-memory.mjs does, in PyTorch. Prints the largest memory that its process ever had.

    python training_memory.py idle|train STEPS BATCH TIME FEATURES UNITS CLASSES
"""

import json
import re
import resource
import sys
from pathlib import Path

import torch

mode = sys.argv[1]
steps, batch, time, features, units, classes = map(int, sys.argv[2:])
torch.set_num_threads(1)


def train() -> None:
    lstm = torch.nn.LSTM(features, units, batch_first=True)
    head = torch.nn.Linear(units, classes)
    parameters = [*lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters)
    x = torch.sin(torch.arange(batch * time * features, dtype=torch.float32)).reshape(batch, time, features)
    targets = torch.arange(batch) % classes
    for _ in range(steps):
        optimizer.zero_grad()
        _, (last, _) = lstm(x)
        torch.nn.functional.cross_entropy(head(last[-1]), targets).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def peak_memory() -> int:
    """In bytes. Not `ru_maxrss` where there is better: a process inherits it from the one that started it."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if mode == "train":
    train()
print(json.dumps({"bytes": peak_memory()}))

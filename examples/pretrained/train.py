"""Trains the model of this example in PyTorch and writes what `data/` holds: `python3 train.py` (torch 2.15, some seconds).

`data/speakers.pt` is a checkpoint as people save them: the state dict, the optimiser's, and what else they want to keep.
`data/speakers.json` has what PyTorch predicts with it for every sample of the test part.
"""

import json
from pathlib import Path

import torch
from torch import nn

from vowels import CLASSES, Speakers, predict, read

EPOCHS, BATCH = 3, 16
OUT = Path(__file__).parent / "data"


def main() -> None:
    torch.manual_seed(3)
    torch.set_num_threads(1)
    model = Speakers()
    x, lengths, classes = read("TRAIN")
    steps = torch.cat([sequence[:length] for sequence, length in zip(x, lengths)])
    model.mean.copy_(steps.mean(dim=0))
    model.deviation.copy_(steps.std(dim=0, unbiased=False))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch], lengths[batch]), classes[batch]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        print(f"epoch {epoch + 1}: {predict(model, 'TEST')[1]:.4f} of the test part")
    predicted, accuracy = predict(model, "TEST")
    OUT.mkdir(exist_ok=True)
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": EPOCHS, "classes": CLASSES}
    torch.save(checkpoint, OUT / "speakers.pt")
    told = {"torch": torch.__version__, "accuracy": accuracy, "predicted": [CLASSES[index] for index in predicted]}
    (OUT / "speakers.json").write_text(json.dumps(told) + "\n")


main()

"""Writes shakespeare.json beside it: PyTorch's losses on Tiny Shakespeare, for shakespeare.ts to equal.

    pip install torch numpy safetensors
    python examples/learning/shakespeare.py

Gatewise's first weights of every seed come from shakespeare-export.ts, which takes a built checkout. The same network then
sees the same batches in the same order, with Adam and clipping, in float32: nothing is drawn here. A file of weights that has
an embedding makes a network with one; else characters go in as rows with a single 1.
"""

import gzip
import json
import subprocess
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

HERE = Path(__file__).parent
STRIDE = 618_041  # as in shakespeare-data.ts
VALIDATION_BATCH = 128


class LanguageModel(nn.Module):
    """Named as Gatewise's tensors are: each layer of the stack is a one-layer module of its own."""

    def __init__(self, weights):
        super().__init__()
        table = weights.get("embedding.weight")
        self.embedding = None if table is None else nn.Embedding(*table.shape)
        inputs = [weight for name, weight in weights.items() if name.endswith("weight_ih_l0")]
        self.layers = nn.ModuleList(nn.LSTM(weight.shape[1], weight.shape[0] // 4, batch_first=True) for weight in inputs)
        self.output = nn.Linear(*reversed(weights["output.weight"].shape))
        self.load_state_dict(weights)

    def forward(self, tokens):
        """tokens [batch, steps] -> logits [batch, steps, tokens]"""
        x = self.embedding(tokens) if self.embedding else one_hot(tokens, self.output.out_features).float()
        for layer in self.layers:
            x, _ = layer(x)
        return self.output(x)

    def loss(self, windows):
        """windows [batch, steps + 1] -> the mean cross-entropy of each next character"""
        return cross_entropy(self(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def read_text():
    """The text as places in its alphabet, cut after nine tenths."""
    text = gzip.decompress((HERE / "data/tinyshakespeare.txt.gz").read_bytes()).decode("latin1")
    places = {character: place for place, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([places[character] for character in text])
    cut = len(tokens) * 9 // 10
    return tokens[:cut], tokens[cut:]


def train(model, text, steps, batch, batches, learningRate, clipNorm):
    """The loss of each batch, before its step."""
    adam = torch.optim.Adam(model.parameters(), lr=learningRate)
    losses = []
    for first in range(0, batches * batch, batch):
        starts = [index * STRIDE % (len(text) - steps) for index in range(first, first + batch)]
        loss = model.loss(torch.stack([text[start : start + steps + 1] for start in starts]))
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clipNorm)
        adam.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def validate(model, text, steps):
    count = (len(text) - 1) // steps
    windows = text.unfold(0, steps + 1, steps)[:count]
    return sum(model.loss(part).item() * len(part) for part in windows.split(VALIDATION_BATCH)) / count


def main():
    training, validation = read_text()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npx", "tsx", HERE / "shakespeare-export.ts", folder], check=True)
        settings = json.loads(Path(folder, "settings.json").read_text())
        weights = {seed: load_file(Path(folder, f"seed-{seed}.safetensors")) for seed in settings["seeds"]}
    # The sizes of the network are those of its weights.
    how = {name: value for name, value in settings.items() if name not in ("seeds", "embedding", "units")}
    runs = []
    for seed in settings["seeds"]:
        model = LanguageModel(weights[seed])
        losses = train(model, training, **how)
        held_out = validate(model, validation, how["steps"])
        print(f"seed {seed}: last loss {losses[-1]:.4f}, validation {held_out:.4f}", flush=True)
        runs.append({"seed": seed, "validation": round(held_out, 6), "losses": [round(loss, 7) for loss in losses]})
    lines = ",\n".join(json.dumps(run) for run in runs)
    header = f'"torch": {json.dumps(torch.__version__)},\n"settings": {json.dumps(settings)}'
    (HERE / "shakespeare.json").write_text(f'{{\n{header},\n"runs": [\n{lines}\n]\n}}\n')


if __name__ == "__main__":
    main()

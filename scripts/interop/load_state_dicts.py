"""Builds a module of PyTorch's for each definition of a folder's files, has it take the state dict, and prints how far its predictions
are from those in the file, relative to the largest, as JSON. See state-dicts.ts.

    python3 load_state_dicts.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Scaling(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.zeros(size))

    def forward(self, x):
        return (x - self.mean) / self.deviation


class Attention(nn.Module):
    def __init__(self, units, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(units, outputs))
        self.bias = nn.Parameter(torch.empty(units))
        self.score = nn.Parameter(torch.empty(units))

    def forward(self, hidden, mask):
        scores = torch.tanh(nn.functional.linear(hidden, self.weight, self.bias)) @ self.score
        weights = scores.masked_fill(~mask, -torch.inf).softmax(1)
        return (weights[:, :, None] * hidden).sum(1)


def recurrent(layer, inputs, layers=1):
    options = {"batch_first": True, "num_layers": layers, "bidirectional": layer["bidirectional"], "bias": layer.get("bias", True)}
    options |= {"proj_size": layer["projection"]} if "projection" in layer else {}
    options |= {"nonlinearity": layer.get("activation", "tanh")} if layer["cell"] == "rnn" else {}
    return CELLS[layer["cell"]](inputs, layer["units"], **options)


def width(layer):
    return layer.get("projection", layer["units"]) * (1 + layer["bidirectional"])


class Model(nn.Module):
    def __init__(self, definition):
        super().__init__()
        self.definition = definition
        given, layers, output = definition["input"], definition["layers"], definition["output"]
        features, statics, as_states = given.get("features", 0), given.get("statics", 0), given.get("staticsAs") == "states"
        if "tokens" in given:
            self.embedding = nn.Embedding(given["tokens"], given["embedding"])
        if given["scaling"] == "standard":
            if features:
                self.input = Scaling(features)
            if statics:
                self.statics = Scaling(statics)
        if statics and as_states:
            self.initial = nn.Linear(statics, sum(self.state_sizes()))
        inputs = features + given.get("embedding", 0) + (0 if as_states else statics)
        if all(layer == layers[0] for layer in [{k: v for k, v in layer.items() if not k.lower().endswith("dropout")} for layer in layers]):
            self.rnn = recurrent(layers[0], inputs, len(layers))
        else:
            widths = [inputs] + [width(layer) for layer in layers]
            self.rnn = nn.ModuleList([recurrent(layer, reads) for layer, reads in zip(layers, widths)])
        outputs = width(layers[-1])
        if output.get("at") == "attention":
            self.attention = Attention(output.get("attentionUnits", outputs), outputs)
        if "values" in output:
            size = output["values"] * output.get("steps", 1) * len(output.get("quantiles", [0]))
        else:
            size = len(output.get("classes", output.get("labels")))
        self.head = nn.Linear(outputs, size)
        if output.get("tied"):
            self.head.weight = self.embedding.weight

    def state_sizes(self):
        """Of each layer and direction the hidden state, and of an LSTM the cell state."""
        for layer in self.definition["layers"]:
            for _ in range(1 + layer["bidirectional"]):
                yield layer.get("projection", layer["units"])
                if layer["cell"] == "lstm":
                    yield layer["units"]

    def initial_states(self, statics):
        """[D, n, H] for each layer, and beside it of an LSTM [D, n, units]."""
        parts = iter(self.initial(statics).split(list(self.state_sizes()), dim=1))
        states = []
        for layer in self.definition["layers"]:
            kinds = 2 if layer["cell"] == "lstm" else 1
            directions = [[next(parts) for _ in range(kinds)] for _ in range(1 + layer["bidirectional"])]
            states.append([torch.stack(kind) for kind in zip(*directions)])
        return states

    def forward(self, lengths, x=None, tokens=None, statics=None):
        given, output = self.definition["input"], self.definition["output"]
        steps = (x if x is not None else tokens).shape[1]
        mask = torch.arange(steps)[None] < lengths[:, None]
        if statics is not None and hasattr(self, "statics"):
            statics = self.statics(statics)
        parts = [] if x is None else [self.input(x) if hasattr(self, "input") else x]
        parts += [] if tokens is None else [self.embedding(tokens)]
        states = None
        if statics is not None and given.get("staticsAs") == "states":
            states = self.initial_states(statics)
        elif statics is not None:
            parts.append(statics[:, None].expand(-1, steps, -1))
        hidden, last = self.layers(torch.cat(parts, 2), lengths, states, steps)
        y = self.head(self.read(hidden, last, mask, output.get("at", "last")))
        y = y.softmax(-1) if "classes" in output else y.sigmoid() if "labels" in output else y
        return y * mask[:, :, None] if output.get("at") == "each" else y

    def layers(self, x, lengths, states, steps):
        modules = self.rnn if isinstance(self.rnn, nn.ModuleList) else [self.rnn]
        if states is not None and len(modules) == 1:
            states = [[torch.cat(kind) for kind in zip(*states)]]
        for index, module in enumerate(modules):
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            initial = None if states is None else states[index]
            hidden, final = module(packed, initial if initial is None or len(initial) == 2 else initial[0])
            x, _ = pad_packed_sequence(hidden, batch_first=True, total_length=steps)
        final = final[0] if isinstance(final, tuple) else final
        return x, torch.cat(list(final[-(1 + self.definition["layers"][-1]["bidirectional"]) :]), 1)

    def read(self, hidden, last, mask, at):
        if at == "attention":
            return self.attention(hidden, mask)
        if at == "mean":
            return hidden.sum(1) / mask.sum(1, keepdim=True)
        if at == "max":
            return hidden.masked_fill(~mask[:, :, None], -torch.inf).amax(1)
        return hidden if at == "each" else last


def error_of(path):
    saved = torch.load(path, weights_only=True)
    model = Model(json.loads(saved["definition"]))
    model.load_state_dict(saved["state"], strict=True)
    arrays = dict(saved["arrays"])
    expected = arrays.pop("y")
    with torch.no_grad():
        difference = (model(**arrays) - expected).abs().max()
    return float(difference / expected.abs().max().clamp(min=1e-3))


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({path.stem: error_of(path) for path in Path(sys.argv[1]).glob("*.pt")}))

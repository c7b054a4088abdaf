"""Writes `modules.safetensors`: state dicts of PyTorch's modules as their users would save them, and what the modules compute in
float64, for test/formats/state-dict. Beside it `checkpoint.pt`: the state dict of the case `parts` as the entry `model` of what
torch.save wrote, and another with zeros as `ema`.

    python generate.py

A case's tensors begin with its name: `CASE/state/rnn.weight_ih_l0`, …, the state dict, of whatever type; `CASE/x`
[n, steps, features] or `CASE/tokens` [n, steps], or both; `CASE/lengths` [n]; `CASE/y`, what `Model.run` has to give: probabilities of
classes, else the numbers themselves; with an output for each step, zero in the padding. Inputs and weights are those numbers
that their type holds. What stands in the padding of x is NaN.

The metadata's `cases` is JSON, a list of `{ name, hints, map, definition }`: what has to be said of the case, the map that has to be
found, and the definition, defaults aside.
"""

import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

N, STEPS = 3, 5
LENGTHS = torch.tensor([5, 2, 4])
TYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def run(modules, x):
    """Each module over packed sequences: hidden states of every step, and the last module's final ones [n, directions · hidden]."""
    for module in modules:
        if isinstance(module, nn.LayerNorm):
            x = module(x)
            continue
        packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
        hidden, final = module(packed)
        final = final[0] if isinstance(final, tuple) else final
        x, _ = pad_packed_sequence(hidden, batch_first=True, total_length=STEPS)
        directions = 2 if module.bidirectional else 1
        last = torch.cat(list(final[-directions:]), dim=1)
    return x, last


def run_cells(cells, x):
    """The same of nn.LSTMCell and its like, step by step."""
    for cell in cells:
        state, rows = None, []
        for t in range(STEPS):
            state = cell(x[:, t], state)
            rows.append(state[0] if isinstance(state, tuple) else state)
        x = torch.stack(rows, dim=1)
    return x, x[torch.arange(N), LENGTHS - 1]


def pooled(hidden, at):
    mask = torch.arange(STEPS)[None, :, None] < LENGTHS[:, None, None]
    if at == "mean":
        return (hidden * mask).sum(1) / LENGTHS[:, None]
    return hidden.masked_fill(~mask, -torch.inf).amax(1)


def predict(read, at, head, softmax):
    hidden, last = read
    y = head(last if at == "last" else hidden if at == "each" else pooled(hidden, at))
    y = y.softmax(-1) if softmax else y
    return y * (torch.arange(STEPS)[None, :, None] < LENGTHS[:, None, None]) if at == "each" else y


class Cases:
    def __init__(self):
        self.tensors, self.cases = {}, []

    def add(self, name, state, hints, inputs, compute, map=None, definition=None, type="f32"):
        """`state` of modules whose weights become what `type` holds; `compute` is given the inputs in float64."""
        for module in [state] if isinstance(state, nn.Module) else state.values():
            module.to(TYPES[type]).double()
        saved = state.state_dict() if isinstance(state, nn.Module) else {f"{p}.{k}": v for p, m in state.items() for k, v in m.state_dict().items()}
        y = compute(**{key: value.double() if value.is_floating_point() else value for key, value in inputs.items()})
        self.put(name, {k: v.to(TYPES[type]) for k, v in saved.items()}, inputs, y)
        self.cases.append({"name": name, "hints": hints, "map": map or {}, "definition": definition})

    def put(self, name, state, inputs, y):
        for key, value in inputs.items():
            if value.is_floating_point():
                value = value.masked_fill(torch.arange(STEPS)[None, :, None] >= LENGTHS[:, None, None], torch.nan)
            self.tensors[f"{name}/{key}"] = value.clone()
        self.tensors[f"{name}/lengths"] = LENGTHS.clone()
        self.tensors[f"{name}/y"] = y.detach().double().clone()
        for key, value in state.items():
            self.tensors[f"{name}/state/{key}"] = value.detach().clone().contiguous()


def numbers(features):
    return {"x": torch.randn(N, STEPS, features)}


def drawn(cases, count):
    """Stacks of any kind, size, direction and type, with a head of any kind."""
    draw = random.Random(7)
    for index in range(count):
        cell = draw.choice(list(CELLS))
        features, units, layers, outputs = draw.randint(1, 7), draw.randint(2, 9), draw.randint(1, 3), draw.randint(2, 5)
        bidirectional, bias, type = draw.random() < 0.5, draw.random() < 0.8, draw.choice(list(TYPES))
        projection = draw.randint(1, units - 1) if cell == "lstm" and draw.random() < 0.4 else 0
        activation = draw.choice(["tanh", "relu"]) if cell == "rnn" else None
        at, softmax = draw.choice(["last", "each", "mean", "max"]), draw.random() < 0.5
        options = dict(num_layers=layers, bidirectional=bidirectional, bias=bias, batch_first=True)
        options |= {"proj_size": projection} if projection else {}
        options |= {"nonlinearity": activation} if activation else {}
        rnn = CELLS[cell](features, units, **options)
        head = nn.Linear((projection or units) * (1 + bidirectional), outputs)
        layer = {"cell": cell, "units": units, "bidirectional": bidirectional}
        layer |= {} if bias else {"bias": False}
        layer |= {"projection": projection} if projection else {}
        layer |= {"activation": activation} if activation == "relu" else {}
        kind = {"classes": [f"class {k}" for k in range(outputs)]} if softmax else {"values": outputs}
        cases.add(
            f"drawn-{index}",
            nn.ModuleDict({"rnn": rnn, "head": head}),
            {"output": kind | {"at": at}} | ({"layers": {"activation": activation}} if activation else {}),
            numbers(features),
            lambda x, rnn=rnn, head=head, at=at, softmax=softmax: predict(run([rnn], x), at, head, softmax),
            {"rnn": "layers", "head": "output"},
            {"input": {"features": features}, "layers": [layer] * layers, "output": kind | ({} if at == "last" else {"at": at})},
            type,
        )


def save_checkpoint(module):
    model = {key: value.float() for key, value in module.state_dict().items()}
    checkpoint = {"epoch": 3, "model": model, "ema": {key: torch.zeros_like(value) for key, value in model.items()}}
    torch.save(checkpoint, Path(__file__).with_name("checkpoint.pt"))


def single(cases):
    values = {"output": {"values": 2, "at": "last"}}

    parts = nn.ModuleDict({"encoder": nn.ModuleDict({"lstm1": nn.LSTM(4, 6, batch_first=True), "lstm2": nn.LSTM(6, 3, 2, batch_first=True)}), "classifier": nn.Linear(3, 2)})
    cases.add(
        "parts", parts, values, numbers(4),
        lambda x: predict(run(parts["encoder"].values(), x), "last", parts["classifier"], False),
        {"encoder.lstm1": "layers.0", "encoder.lstm2": "layers.1", "classifier": "output"},
        {"input": {"features": 4}, "layers": [{"cell": "lstm", "units": 6, "bidirectional": False}] + [{"cell": "lstm", "units": 3, "bidirectional": False}] * 2, "output": {"values": 2}},
    )
    save_checkpoint(parts)

    for cell, of in {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}.items():
        cells = nn.ModuleDict({"cells": nn.ModuleList([of(4, 5), of(5, 5), of(5, 5)]), "out": nn.Linear(5, 2)})
        cases.add(
            f"cells-{cell}", cells, values | ({"layers": {"activation": "tanh"}} if cell == "rnn" else {}), numbers(4),
            lambda x, cells=cells: predict(run_cells(cells["cells"], x), "last", cells["out"], False),
            {"cells.0": "layers.0", "cells.1": "layers.1", "cells.2": "layers.2", "out": "output"},
            {"input": {"features": 4}, "layers": [{"cell": cell, "units": 5, "bidirectional": False}] * 3, "output": {"values": 2}},
        )

    tokens = {"tokens": torch.randint(0, 7, (N, STEPS))}
    gru = {"cell": "gru", "units": 6, "bidirectional": False}
    tagger = nn.ModuleDict({"word_embeddings": nn.Embedding(7, 6), "gru": nn.GRU(6, 6, batch_first=True), "hidden2tag": nn.Linear(6, 3, bias=False)})
    names = [f"tag {k}" for k in range(3)]
    cases.add(
        "tagger-without-bias", tagger, {"output": {"classes": names, "at": "each"}}, tokens,
        lambda tokens: predict(run([tagger["gru"]], tagger["word_embeddings"](tokens)), "each", tagger["hidden2tag"], True),
        {"word_embeddings": "embedding", "gru": "layers", "hidden2tag": "output"},
        {"input": {"tokens": 7, "embedding": 6}, "layers": [gru], "output": {"classes": names, "at": "each"}},
    )

    tied = nn.ModuleDict({"encoder": nn.Embedding(7, 6), "rnn": nn.GRU(6, 6, batch_first=True), "decoder": nn.Linear(6, 7)})
    tied["decoder"].weight = tied["encoder"].weight
    words = [f"word {k}" for k in range(7)]
    tie = {"input": {"tokens": 7, "embedding": 6}, "layers": [gru], "output": {"classes": words, "at": "each", "tied": True}}
    read = lambda tokens: predict(run([tied["rnn"]], tied["encoder"](tokens)), "each", tied["decoder"], True)
    places = {"encoder": "embedding", "rnn": "layers", "decoder": "output"}
    cases.add("tied", tied, {"output": {"classes": words, "at": "each"}}, tokens, read, places, tie)
    # As safetensors' save_model writes it: what is shared is there once.
    cases.put("tied-once", {k: v.float() for k, v in tied.state_dict().items() if k != "decoder.weight"}, tokens, read(**tokens))
    cases.cases.append({"name": "tied-once", "hints": {"output": {"classes": words, "at": "each"}}, "map": places, "definition": tie})

    both = nn.ModuleDict({"emb": nn.Embedding(7, 3), "lstm": nn.LSTM(5, 4, batch_first=True), "fc": nn.Linear(4, 2)})
    cases.add(
        "numbers-and-tokens", both, values | {"input": {"features": 2}}, numbers(2) | tokens,
        lambda x, tokens: predict(run([both["lstm"]], torch.cat([x, both["emb"](tokens)], dim=2)), "last", both["fc"], False),
        {"emb": "embedding", "lstm": "layers", "fc": "output"},
        {"input": {"features": 2, "tokens": 7, "embedding": 3}, "layers": [{"cell": "lstm", "units": 4, "bidirectional": False}], "output": {"values": 2}},
    )

    normed = nn.ModuleDict({
        "ln_in": nn.LayerNorm(4), "lstm1": nn.LSTM(4, 6, batch_first=True), "ln_mid": nn.LayerNorm(6),
        "lstm2": nn.LSTM(6, 3, 2, batch_first=True, bidirectional=True), "ln_out": nn.LayerNorm(6, bias=False), "fc": nn.Linear(6, 2),
    })
    for name in ["ln_in", "ln_mid", "ln_out"]:
        for parameter in normed[name].parameters():
            nn.init.normal_(parameter, 1, 0.3)
    lstm = {"cell": "lstm", "bidirectional": False}
    both_ways = {"cell": "lstm", "units": 3, "bidirectional": True}
    cases.add(
        # Before the last module and before the head a norm of 6 could stand: which is which has to be said.
        "norms-without-bias", normed, values | {"map": {"ln_mid": "layers.1.norm"}}, numbers(4),
        lambda x: predict(run([normed[part] for part in ["ln_in", "lstm1", "ln_mid", "lstm2"]], x), "last", nn.Sequential(normed["ln_out"], normed["fc"]), False),
        {"ln_in": "layers.0.norm", "lstm1": "layers.0", "ln_mid": "layers.1.norm", "lstm2": "layers.1", "ln_out": "output.norm", "fc": "output"},
        {"input": {"features": 4}, "layers": [lstm | {"units": 6, "inputNorm": True}, both_ways | {"inputNorm": True}, both_ways], "output": {"values": 2, "norm": True}},
    )

    wrapped = nn.ModuleDict({"rnn": nn.LSTM(3, 4, batch_first=True), "fc": nn.Linear(4, 2)})
    inside = nn.ModuleDict({"module": nn.ModuleDict({"_orig_mod": wrapped})})
    cases.add(
        "wrapped", inside, values, numbers(3), lambda x: predict(run([wrapped["rnn"]], x), "last", wrapped["fc"], False),
        {"rnn": "layers", "fc": "output"},
        {"input": {"features": 3}, "layers": [{"cell": "lstm", "units": 4, "bidirectional": False}], "output": {"values": 2}},
    )


if __name__ == "__main__":
    torch.manual_seed(3)
    cases = Cases()
    single(cases)
    drawn(cases, 40)
    place = Path(__file__).with_name("modules.safetensors")
    save_file(cases.tensors, place, {"cases": json.dumps(cases.cases)})
    print(f"{place.name}: {len(cases.cases)} cases, {place.stat().st_size} bytes")

"""Modules of PyTorch's out of a definition of ours, under the names that `model.stateDict()` gives, and what they compute.

    rnn            one module for all layers where these are alike and nothing stands between them, else rnn.0, rnn.1, …
    head           nn.Linear; its weight is the embedding's where the two are tied
    input_norm, norm_K, output_norm, embedding, initial, attention      where there are any
    input, statics                                                             buffers: mean and deviation
"""

import torch
from models import MODULES, Tree, activated, pooled
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

ALIKE = ["cell", "units", "bidirectional", "bias", "projection", "activation"]


class Attention(nn.Module):
    """The mean of the valid steps, weighed by a softmax of their scores."""

    def __init__(self, inputs, units):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(units, inputs))
        self.bias = nn.Parameter(torch.empty(units))
        self.score = nn.Parameter(torch.empty(units))

    def forward(self, x, valid):
        scores = torch.tanh(nn.functional.linear(x, self.weight, self.bias)) @ self.score
        weights = torch.softmax(scores.masked_fill(~valid, -torch.inf), dim=1)
        return (weights[..., None] * x.masked_fill(~valid[..., None], 0.0)).sum(dim=1)


class Scaling(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.empty(size))
        self.register_buffer("deviation", torch.empty(size))

    def forward(self, x):
        return (x - self.mean) / self.deviation


def directions(layer):
    return 2 if layer.get("bidirectional") else 1


def hidden_of(layer):
    return layer.get("projection", layer["units"])


def outputs_of(layer):
    return hidden_of(layer) * (directions(layer) if layer.get("merge", "concat") == "concat" else 1)


def state_sizes(layer):
    """Of one direction: the hidden state, and of an LSTM the cell's."""
    return [hidden_of(layer)] + ([layer["units"]] if layer["cell"] == "lstm" else [])


def is_stack(layers):
    """Whether one module with `num_layers` computes them: they are alike, and nothing is done between them."""
    alike = all(layer.get(key) == layers[0].get(key) for layer in layers for key in ALIKE)
    merged = any(layer.get("merge", "concat") != "concat" for layer in layers[:-1])
    added = len(layers) > 1 and any(layer.get("residual") for layer in layers)
    return alike and not merged and not added and not any(layer.get("inputNorm") for layer in layers[1:])


def module_of(layer, inputs, layers):
    options = {"bias": layer.get("bias", True), "bidirectional": directions(layer) == 2, "batch_first": True, "num_layers": layers}
    if "projection" in layer:
        options["proj_size"] = layer["projection"]
    if layer["cell"] == "rnn":
        options["nonlinearity"] = layer.get("activation", "tanh")
    return MODULES[layer["cell"]](inputs, layer["units"], **options)


class FromDefinition:
    """`tree` has the modules."""

    def __init__(self, definition):
        torch.set_default_dtype(torch.float64)
        self.given, self.layers, self.output = (definition[key] for key in ("input", "layers", "output"))
        self.as_states = self.given.get("staticsAs") == "states"
        self.modules = {}
        width = self.add_input()
        self.stacked = is_stack(self.layers)
        if self.stacked:
            self.modules["rnn"] = module_of(self.layers[0], width, len(self.layers))
        for index, layer in enumerate(self.layers):
            if layer.get("inputNorm"):
                self.modules[norm_of(index)] = nn.LayerNorm(width)
            if not self.stacked:
                self.modules[f"rnn.{index}"] = module_of(layer, width, 1)
            width = outputs_of(layer)
        self.add_output(width)
        self.tree = Tree(self.modules).eval()

    def add_input(self):
        """Gives the numbers a step that the first layer reads."""
        features, tokens, statics = (self.given.get(key) or 0 for key in ("features", "tokens", "statics"))
        embedding = self.given["embedding"] if tokens else 0
        if tokens:
            self.modules["embedding"] = nn.Embedding(tokens, embedding, padding_idx=self.given.get("padding"))
        if statics and self.as_states:
            self.modules["initial"] = nn.Linear(statics, sum(directions(layer) * sum(state_sizes(layer)) for layer in self.layers))
        if self.given.get("scaling", "none") == "standard":
            self.modules |= {name: Scaling(size) for name, size in (("input", features), ("statics", statics)) if size}
        return features + embedding + (0 if self.as_states else statics)

    def add_output(self, width):
        output = self.output
        if output.get("at") == "attention":
            self.modules["attention"] = Attention(width, output.get("attentionUnits", width))
        if output.get("norm"):
            self.modules["output_norm"] = nn.LayerNorm(width)
        named = output.get("classes") or output.get("labels")
        numbers = len(named) if named else output["values"] * output.get("steps", 1) * len(output.get("quantiles", [0.5]))
        head = self.modules["head"] = nn.Linear(width, numbers)
        if output.get("tied"):
            head.weight = self.modules["embedding"].weight

    @torch.no_grad()
    def __call__(self, data, lengths, steps):
        valid = torch.arange(steps) < lengths[:, None]
        x, states = self.inputs(data, valid)
        x, last = self.stack(x, lengths, states) if self.stacked else self.parts(x, lengths, states)
        at = self.output.get("at", "last")
        if at in ("last", "each"):
            read = last if at == "last" else x
        else:
            read = self.modules["attention"](x, valid) if at == "attention" else pooled(x, valid, at)
        read = self.modules["output_norm"](read) if self.output.get("norm") else read
        y = activated(self.modules["head"](read), next(kind for kind in ("classes", "labels", "values") if kind in self.output))
        return y * valid[..., None] if at == "each" else y

    def inputs(self, data, valid):
        """What the first layer reads [n, steps, inputs], and the states that each layer's directions begin from."""
        scaled = lambda name, numbers: self.modules[name](numbers.double()) if name in self.modules else numbers.double()
        parts = [scaled("input", data["x"])] if "x" in data else []
        if "tokens" in data:
            parts.append(self.modules["embedding"](data["tokens"].masked_fill(~valid, 0)))
        statics = scaled("statics", data["statics"]) if "statics" in data else None
        if statics is not None and not self.as_states:
            parts.append(statics[:, None].expand(-1, valid.shape[1], -1))
        # What stands in the padding is never read; PyTorch's sums over masks would read it.
        x = torch.cat(parts, dim=2).masked_fill(~valid[..., None], 0.0)
        return x, self.initial(statics) if self.as_states else None

    def initial(self, statics):
        sizes = [size for layer in self.layers for _ in range(directions(layer)) for size in state_sizes(layer)]
        pieces = iter(torch.split(self.modules["initial"](statics), sizes, dim=1))
        return [[[next(pieces) for _ in state_sizes(layer)] for _ in range(directions(layer))] for layer in self.layers]

    def stack(self, x, lengths, states):
        all_directions = states and [direction for layer in states for direction in layer]
        hidden, h_n = run(self.modules["rnn"], self.normalised(0, x), lengths, all_directions)
        return given_by(self.layers[-1], x, hidden, h_n[-directions(self.layers[-1]) :], lengths)

    def parts(self, x, lengths, states):
        last = None
        for index, layer in enumerate(self.layers):
            hidden, h_n = run(self.modules[f"rnn.{index}"], self.normalised(index, x), lengths, states and states[index])
            x, last = given_by(layer, x, hidden, h_n, lengths)
        return x, last

    def normalised(self, index, x):
        return self.modules[norm_of(index)](x) if norm_of(index) in self.modules else x


def norm_of(layer):
    return "input_norm" if layer == 0 else f"norm_{layer}"


def run(module, x, lengths, states):
    """Every step's states [n, steps, D·H], zero in the padding, and the final ones [layers·D, n, H]."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    kinds = None if states is None else tuple(torch.stack(kind).contiguous() for kind in zip(*states))
    hidden, final = module(packed, kinds if kinds is None or len(kinds) == 2 else kinds[0])
    hidden, _ = pad_packed_sequence(hidden, batch_first=True, total_length=x.shape[1])
    return hidden, final[0] if isinstance(final, tuple) else final


def given_by(layer, x, hidden, h_n, lengths):
    """What the layer gives at each step and at the end: both directions as `merge` says, and what it read before its norm."""
    given, last = merged(layer, hidden), merged(layer, torch.cat(list(h_n), dim=1))
    if layer.get("residual"):
        given, last = given + x, last + x[torch.arange(len(lengths)), lengths - 1]
    return given, last


def merged(layer, both):
    merge = layer.get("merge", "concat")
    if directions(layer) == 1 or merge == "concat":
        return both
    sides = both.unflatten(-1, (2, -1))
    return sides.sum(-2) if merge == "sum" else sides.mean(-2)

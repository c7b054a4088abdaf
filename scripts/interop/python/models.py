"""Modules of a plan (drawing.py), as a user of PyTorch's would write them, and what they compute in float64."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from drawing import outputs_of

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}
TYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


class Tree(nn.Module):
    """Modules by names that may have dots in them."""

    def __init__(self, modules):
        super().__init__()
        for path, module in modules.items():
            parent = self
            *above, name = path.split(".")
            for step in above:
                if not hasattr(parent, step):
                    parent.add_module(step, nn.Module())
                parent = getattr(parent, step)
            parent.add_module(name, module)


def recurrent(inputs, plan):
    options = {"bias": plan["bias"]}
    if "activation" in plan:
        options["nonlinearity"] = plan["activation"]
    if plan["cells"]:
        sizes = [inputs] + [plan["units"]] * (plan["layers"] - 1)
        return nn.ModuleList(CELLS[plan["cell"]](size, plan["units"], **options) for size in sizes)
    if "projection" in plan:
        options["proj_size"] = plan["projection"]
    options |= {"num_layers": plan["layers"], "bidirectional": plan["bidirectional"], "batch_first": plan["batch_first"]}
    return MODULES[plan["cell"]](inputs, plan["units"], **options)


class Model:
    """The modules of a plan. Their weights are in float64; `round_to` makes them numbers that another type holds."""

    def __init__(self, plan, seed):
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float64)
        self.plan, names = plan, plan["names"]
        given, output = plan["input"], plan["output"]
        modules = {}
        if "tokens" in given:
            modules[names["embedding"]] = self.embedding = nn.Embedding(given["tokens"], given["embedding"], padding_idx=given.get("padding"))
        width, self.norms, self.rnns = given.get("features", 0) + given.get("embedding", 0), [], []
        for name, norm, part in zip(names["rnns"], names["norms"], plan["modules"]):
            self.norms.append(nn.LayerNorm(width) if part["norm"] else None)
            if part["norm"]:
                modules[norm] = self.norms[-1]
            modules[name] = recurrent(width, part)
            self.rnns.append(modules[name])
            width = outputs_of(part)
        self.output_norm = nn.LayerNorm(width) if output["norm"] else None
        if output["norm"]:
            modules[names["output_norm"]] = self.output_norm
        modules[names["head"]] = self.head = nn.Linear(width, output["numbers"], bias=output["bias"])
        if output["tied"]:
            self.head.weight = self.embedding.weight
        self.tree = Tree(modules).eval()
        self.train_a_little()

    @torch.no_grad()
    def train_a_little(self):
        """Parameters of unlike sizes: none is what it began as. Embeddings of padding stay zeros."""
        for name, parameter in self.tree.named_parameters():
            if "norm" in name or "ln_f" in name:
                parameter.add_(torch.randn_like(parameter) / 3)
            else:
                parameter.mul_(0.5 + torch.rand(()))
        if self.head.bias is not None:
            # No prediction is a difference of nearly equal numbers, of which few digits would be left.
            self.head.bias.add_(torch.randn(()).sign())

    @torch.no_grad()
    def round_to(self, number_type):
        self.tree.to(TYPES[number_type]).double()

    @torch.no_grad()
    def __call__(self, data):
        """[n, numbers], or with an output at each step [n, steps, numbers], which is zero in the padding."""
        lengths, steps = data["lengths"], self.plan["steps"]
        valid = torch.arange(steps) < lengths[:, None]
        parts = []
        if "x" in data:
            parts.append(data["x"].double())
        if "tokens" in data:
            parts.append(self.embedding(data["tokens"].masked_fill(~valid, 0)))
        # What stands in the padding is never read; PyTorch's sums over masks would read it.
        x = torch.cat(parts, dim=2).masked_fill(~valid[..., None], 0.0)
        for part, norm, rnn in zip(self.plan["modules"], self.norms, self.rnns):
            x = x if norm is None else norm(x)
            x, last = run_cells(rnn, x, lengths) if part["cells"] else run_module(rnn, x, lengths)
        at = self.plan["output"]["at"]
        read = last if at == "last" else x if at == "each" else pooled(x, valid, at)
        read = read if self.output_norm is None else self.output_norm(read)
        y = activated(self.head(read), self.plan["output"]["kind"])
        return y * valid[..., None] if at == "each" else y


def run_module(rnn, x, lengths):
    """Every step's states [n, steps, H], zero in the padding, and the final ones of the last layer [n, H]."""
    steps = x.shape[1]
    x = x if rnn.batch_first else x.transpose(0, 1)
    packed = pack_padded_sequence(x, lengths, batch_first=rnn.batch_first, enforce_sorted=False)
    hidden, final = rnn(packed)
    final = final[0] if isinstance(final, tuple) else final
    hidden, _ = pad_packed_sequence(hidden, batch_first=rnn.batch_first, total_length=steps)
    directions = 2 if rnn.bidirectional else 1
    return hidden if rnn.batch_first else hidden.transpose(0, 1), torch.cat(list(final[-directions:]), dim=1)


def run_cells(cells, x, lengths):
    """The same of a loop over cells."""
    for cell in cells:
        state, rows = None, []
        for step in x.unbind(1):
            state = cell(step, state)
            rows.append(state[0] if isinstance(state, tuple) else state)
        x = torch.stack(rows, dim=1)
    return x, x[torch.arange(len(lengths)), lengths - 1]


def pooled(x, valid, at):
    if at == "mean":
        return x.masked_fill(~valid[..., None], 0.0).sum(1) / valid.sum(1, keepdim=True)
    return x.masked_fill(~valid[..., None], -torch.inf).amax(1)


def activated(y, kind):
    return y.softmax(-1) if kind == "classes" else y.sigmoid() if kind == "labels" else y


def inputs_of(plan, seed):
    """A batch of f32 numbers, and tokens; in the padding stands what must not be read."""
    torch.manual_seed(seed)
    lengths, steps, given = torch.tensor(plan["lengths"]), plan["steps"], plan["input"]
    padding, data = torch.arange(steps) >= lengths[:, None], {"lengths": lengths}
    if "features" in given:
        x = torch.randn(len(lengths), steps, given["features"], dtype=torch.float32)
        data["x"] = x.masked_fill(padding[..., None], torch.nan)
    if "tokens" in given:
        data["tokens"] = torch.randint(given["tokens"], padding.shape).masked_fill(padding, 2**32 - 1)
    return data

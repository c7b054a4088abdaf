"""Writes the test vectors beside it: what PyTorch computes, in float64, for the reference and every fast path to equal.

    pip install torch numpy safetensors
    python generate.py

`matrix.py` writes every combination of what PyTorch's recurrent modules take, and `options.py` the options of layers that they
lack, in the same form.

Whatever goes in (weights, inputs, initial states, cotangents, hyperparameters) is rounded to float32 and stored so:
float32 kernels see the very numbers that the float64 results were computed from. Every result is float64. Each file's
metadata names the version of PyTorch that wrote it; another one may differ in the last bits.

Tensors of a stack of layers (a single layer is a stack of one; each layer is a one-layer module of its own):

    x [batch, steps, features]; lengths [batch]     NaN fills the padding: who reads it, shows it
    layers.K.{weight_ih,weight_hh,bias_ih,bias_hh}_l0, layers.K.{h0,c0} [batch, units]    biases and c only if there are
    layers.K.{hidden [batch, steps, units], h_n, c_n [batch, units]}          results; hidden is 0 in the padding
    cotangent.layers.K.{h_n,c_n}, cotangent.layers.TOP.hidden                 y = sum of cotangent * result
    gradient.NAME                                   dy/dNAME for x and every tensor of the layers' that goes in

The files whose names begin with `gru`, `rnn` or `lstm` are stacks of other cells, or without biases. In those that say
`bidirectional`, layers have `_l0_reverse` tensors too, states are [2, batch, units] and hidden [batch, steps, 2 * units]. In those that say `projection`, layers have `weight_hr_l0`
too, [numbers, units], and hidden states as many numbers.

Tensors of the models (two layers from zero states, a linear head on the last h_n, mean cross-entropy); in the
bidirectional one, layers have `_l0_reverse` tensors too and h_n holds both directions:

    x [batches, batch, steps, features]; lengths, targets [batches, batch]
    layers.K.*, output.{weight [classes, units], bias [classes]}              the parameters before training
    logits [batch, classes], loss, gradient.NAME    of the first batch, before training
    adam.{learning_rate,beta1,beta2,epsilon}, clip_norm
    losses, norms [10]                              of each step's batch, before the step; norms before clipping
    trained.NAME                                    the parameters after ten steps; step s sees batch s modulo batches

Tensors of the outputs (layers from zero states; the metadata's `case` is JSON with the `definition` and the `loss`):

    x [batch, steps, features]; lengths [batch]
    targets [batch] or [batch, steps] classes, below 0 where a step has none; else [batch, (steps,) numbers] or, where
        there is an output at each step, with that axis; weights [batch] or [batch, steps] if there are any. NaN and classes
        that there are not fill their padding and what weighs nothing.
    layers.K.*, attention.{weight,bias,score}, output.{weight,bias}           the parameters
    outputs                                         [batch, (steps,) K]: probabilities, or values; 0 in the padding
    loss, gradient.NAME                             the weighted mean

Tensors of the inputs (the metadata's `case` is JSON with the `definition`); those there are of

    x [batch, steps, features]; tokens [batch, steps]; statics [batch, statics]; lengths [batch]; targets
                                                    tokens that there are not fill the padding, and NaN as above
    embedding.weight, initial.{weight,bias}, layers.K.*, output.*             the parameters; no output.weight if tied
    input.{mean,deviation}, statics.{mean,deviation}                          the scaling
    outputs, loss, gradient.NAME                    as above; of a sparse embedding the gradient as a dense one

and where the file says `adam`, of its training with the settings as above, on a batch after the other:

    x, tokens, statics, lengths, targets            [batches, ...], each as above; outputs and gradients are those of the first
    losses, norms, trained.NAME                     step by step, as above
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = Path(__file__).parent


def rounded(tensor):
    """The nearest float32 numbers, as float64."""
    return tensor.detach().float().double()


def normal(*shape):
    return rounded(torch.randn(*shape))


def recurrent_layers(module, features, units, bidirectional=False, **options):
    """One-layer modules with PyTorch's own initial weights."""
    directions = 2 if bidirectional else 1
    # A layer gives what its hidden states are projected to, where they are.
    given = (directions * (options.get("proj_size") or size) for size in units)
    sizes = zip([features, *given], units)
    layers = nn.ModuleList(
        module(inputs, outputs, batch_first=True, bidirectional=bidirectional, **options) for inputs, outputs in sizes
    )
    for parameter in layers.parameters():
        parameter.data = rounded(parameter)
    return layers


def fill_padding_with_nan(x, lengths):
    for sequence, length in zip(x, lengths):
        sequence[length:] = torch.nan


def run_layers(layers, x, lengths, states):
    """Each layer's (hidden, h_n, c_n), without c_n where there is no cell state."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs = []
    for layer, initial in zip(layers, states):
        initial = tuple(state if layer.bidirectional else state[None] for state in initial)
        packed, final = layer(packed, initial if len(initial) == 2 else initial[0])
        hidden, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        final = final if isinstance(final, tuple) else (final,)
        outputs.append((hidden, *(state if layer.bidirectional else state[0] for state in final)))
    return outputs


def save(name, inputs, results, case=None):
    """Inputs as float32 (or whole numbers), results as float64."""
    tensors = {}
    for key, tensor in inputs.items():
        tensors[key] = tensor if tensor.dtype == torch.int64 else tensor.detach().float()
        assert torch.equal(tensors[key].double().nan_to_num(), tensor.double().nan_to_num()), f"{key} is not rounded"
    for key, tensor in results.items():
        assert tensor.dtype == torch.float64 and tensor.isfinite().all(), key
        assert key not in tensors, key
        tensors[key] = tensor.detach()
    tensors = {key: tensor.contiguous() for key, tensor in tensors.items()}
    # One key: the order of several is another in every run.
    metadata = {"case": json.dumps({"torch": torch.__version__} | case)} if case else {"torch": torch.__version__}
    save_file(tensors, HERE / f"{name}.safetensors", metadata=metadata)


def stack_case(name, seed, steps, features, units, lengths, input_scale=1.0, module=nn.LSTM, bidirectional=False, **options):
    torch.manual_seed(seed)
    batch, top = len(lengths), len(units) - 1
    layers = recurrent_layers(module, features, units, bidirectional, **options)
    state_names = ["h0", "c0"] if module is nn.LSTM else ["h0"]
    x = rounded(normal(batch, steps, features) * input_scale)
    fill_padding_with_nan(x, lengths)
    lengths = torch.tensor(lengths)
    shape = (2, batch) if bidirectional else (batch,)
    hidden_size = options.get("proj_size", 0)
    states = [tuple(normal(*shape, hidden_size if key == "h0" and hidden_size else size) for key in state_names) for size in units]

    differentiable = {"x": x}
    for k, (layer, initial) in enumerate(zip(layers, states)):
        differentiable |= {f"layers.{k}.{key}": parameter for key, parameter in layer.named_parameters()}
        differentiable |= {f"layers.{k}.{key}": state for key, state in zip(state_names, initial)}
    for tensor in differentiable.values():
        tensor.requires_grad_()

    results, cotangents = {}, {}
    for k, outputs in enumerate(run_layers(layers, x, lengths, states)):
        for key, output in zip(["hidden", "h_n", "c_n"], outputs):
            results[f"layers.{k}.{key}"] = output
            if key != "hidden" or k == top:
                cotangents[f"layers.{k}.{key}"] = normal(*output.shape)

    seeds = [results[key] for key in cotangents]
    gradients = torch.autograd.grad(seeds, list(differentiable.values()), list(cotangents.values()))
    results |= {f"gradient.{key}": gradient for key, gradient in zip(differentiable, gradients)}
    inputs = differentiable | {"lengths": lengths} | {f"cotangent.{key}": value for key, value in cotangents.items()}
    save(name, inputs, results)


def model_case(name, seed, bidirectional=False, module=nn.LSTM, **options):
    torch.manual_seed(seed)
    directions = 2 if bidirectional else 1
    batches, batch, steps, features, units, classes = 4, 6, 9, 3, [8, 5], 3
    layers = recurrent_layers(module, features, units, bidirectional, **options)
    output = nn.Linear(directions * units[-1], classes)
    for parameter in output.parameters():
        parameter.data = rounded(parameter)
    parameters = {f"layers.{k}.{key}": p for k, layer in enumerate(layers) for key, p in layer.named_parameters()}
    parameters |= {f"output.{key}": p for key, p in output.named_parameters()}

    x = normal(batches, batch, steps, features)
    lengths = torch.tensor([[9, 4, 1, 7, 9, 2], [3, 9, 5, 1, 8, 6], [1, 2, 8, 4, 3, 5], [9, 9, 9, 9, 9, 9]])
    for sequences, sequence_lengths in zip(x, lengths):
        fill_padding_with_nan(sequences, sequence_lengths)
    targets = torch.randint(classes, (batches, batch))

    def logits(b):
        packed = pack_padded_sequence(x[b], lengths[b], batch_first=True, enforce_sorted=False)
        for layer in layers:
            packed, final = layer(packed)
            h_n = final[0] if module is nn.LSTM else final
        return output(torch.cat(list(h_n), dim=1))

    def loss(b):
        return nn.functional.cross_entropy(logits(b), targets[b])

    inputs = {"x": x, "lengths": lengths, "targets": targets}
    inputs |= {key: parameter.detach().clone() for key, parameter in parameters.items()}
    results = {"logits": logits(0), "loss": loss(0)}
    gradients = torch.autograd.grad(loss(0), list(parameters.values()))
    results |= {f"gradient.{key}": gradient for key, gradient in zip(parameters, gradients)}

    settings = {"learning_rate": 0.02, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    settings = {f"adam.{key}": value for key, value in settings.items()} | {"clip_norm": 0.5}
    settings = {key: rounded(torch.tensor(value)) for key, value in settings.items()}
    learning_rate, beta1, beta2, epsilon, clip_norm = (value.item() for value in settings.values())
    adam = torch.optim.Adam(parameters.values(), lr=learning_rate, betas=(beta1, beta2), eps=epsilon)
    losses, norms = [], []
    for step in range(10):
        adam.zero_grad()
        value = loss(step % batches)
        value.backward()
        norms.append(nn.utils.clip_grad_norm_(parameters.values(), clip_norm))
        adam.step()
        losses.append(value.detach())
    assert min(norms) < clip_norm < max(norms), "some steps are clipped and some are not"

    results |= {"losses": torch.stack(losses), "norms": torch.stack(norms)}
    results |= {f"trained.{key}": parameter for key, parameter in parameters.items()}
    save(name, inputs | settings, results)
    print(f"{name}: losses {[f'{value:.4f}' for value in losses]}, norms {[f'{value:.4f}' for value in norms]}")


class Attention(nn.Module):
    """Weighted mean over the valid steps; `score` has no bias."""

    def __init__(self, inputs, units):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(units, inputs).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(units).uniform_(-1, 1))
        self.score = nn.Parameter(torch.empty(units).uniform_(-2, 2))

    def forward(self, hidden, valid):
        scores = torch.tanh(nn.functional.linear(hidden, self.weight, self.bias)) @ self.score
        weights = torch.softmax(scores.masked_fill(~valid, -torch.inf), dim=1)
        return (weights[..., None] * hidden).sum(dim=1)


def read_out(output, attention, hidden, h_n, valid):
    match output.get("at", "last"):
        case "last":
            return torch.cat(list(h_n), dim=1)
        case "each":
            return hidden
        case "mean":
            return hidden.sum(dim=1) / valid.sum(dim=1, keepdim=True)
        case "max":
            return hidden.masked_fill(~valid[..., None], -torch.inf).max(dim=1).values
        case "attention":
            return attention(hidden, valid)


def weighted_mean(losses, weights):
    return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()


def output_loss(output, loss, rows, targets, weights):
    """rows [rows, K] of outputs, targets [rows] or [rows, numbers], weights [rows] or None."""
    functional = nn.functional
    kind = loss.get("kind")
    if "classes" in output:
        names = output["classes"]
        given = loss.get("classWeights", {})
        class_weights = torch.tensor([given.get(name, 1.0) for name in names]) if given else None
        options = {"weight": class_weights, "label_smoothing": loss.get("labelSmoothing", 0.0)}
        if weights is None:
            return functional.cross_entropy(rows, targets, **options)
        losses = functional.cross_entropy(rows, targets, reduction="none", **options)
        by_class = weights if class_weights is None else weights * class_weights[targets.clamp(min=0)]
        return (losses * weights).sum() / (by_class * (targets >= 0)).sum()
    if "labels" in output:
        given = loss.get("positiveWeights", {})
        positive = torch.tensor([given.get(name, 1.0) for name in output["labels"]])
        losses = functional.binary_cross_entropy_with_logits(rows, targets, reduction="none", pos_weight=positive)
    elif "quantiles" in output:
        quantiles = rounded(torch.tensor(output["quantiles"]))
        short = targets[..., None] - rows.unflatten(1, (-1, len(quantiles)))
        losses = torch.maximum(quantiles * short, (quantiles - 1) * short).flatten(1)
    elif kind == "mae":
        losses = functional.l1_loss(rows, targets, reduction="none")
    elif kind == "huber":
        losses = functional.huber_loss(rows, targets, reduction="none", delta=loss["delta"])
    else:
        losses = functional.mse_loss(rows, targets, reduction="none")
    return weighted_mean(losses.mean(dim=1), weights)


def output_case(
    name, seed, output, loss=None, weighted=None, module=nn.LSTM, units=(6, 5), bidirectional=False, projection=0
):
    torch.manual_seed(seed)
    features, steps, lengths = 3, 7, torch.tensor([4, 7, 1, 6, 7, 2])
    batch, each, loss = len(lengths), output.get("at") == "each", loss or {}
    valid = torch.arange(steps) < lengths[:, None]
    options = {"proj_size": projection} if projection else {}
    layers = recurrent_layers(module, features, list(units), bidirectional, **options)
    top = (projection or units[-1]) * (2 if bidirectional else 1)
    sizes = [len(names) for names in (output.get("classes"), output.get("labels")) if names]
    numbers = sizes[0] if sizes else output["values"] * output.get("steps", 1)
    head = nn.Linear(top, numbers * len(output.get("quantiles", [0])))
    attention = Attention(top, output.get("attentionUnits", top)) if output.get("at") == "attention" else None
    parameters = {f"layers.{k}.{key}": p for k, layer in enumerate(layers) for key, p in layer.named_parameters()}
    if attention:
        parameters |= {f"attention.{key}": p for key, p in attention.named_parameters()}
    parameters |= {f"output.{key}": p for key, p in head.named_parameters()}
    for key, parameter in parameters.items():
        parameter.data = rounded(parameter if not key.startswith("output") else 4 * parameter)

    x = normal(batch, steps, features)
    fill_padding_with_nan(x, lengths)
    shape = (batch, steps) if each else (batch,)
    counts = valid.clone() if each else torch.ones(batch, dtype=torch.bool)
    weights = None
    if weighted:
        weights = rounded(torch.rand(batch, steps) if weighted == "step" else torch.rand(batch))
        weights[weights < 0.2] = 0.0
        by_row = weights if weighted == "step" or not each else weights[:, None].expand(shape)
        counts &= by_row > 0
        weights = weights.masked_fill(~valid, torch.nan) if weighted == "step" else weights
    if "classes" in output:
        targets = torch.randint(numbers, shape)
        if each:
            targets[1, 3] = targets[4, 0] = -100
        targets = targets.masked_fill(~counts, 4000)
        counts = counts & (targets >= 0)
    else:
        targets = torch.randint(2, (*shape, numbers)).double() if "labels" in output else normal(*shape, numbers)
        if "labels" in output:
            targets[0, ..., 0] = 0.25
        targets = targets.masked_fill(~counts[..., None], torch.nan)

    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    for layer in layers:
        packed, final = layer(packed)
    h_n = final[0] if module is nn.LSTM else final
    hidden, _ = pad_packed_sequence(packed, batch_first=True, total_length=steps)
    rows = head(read_out(output, attention, hidden, h_n, valid))
    predictions = rows.softmax(-1) if "classes" in output else rows.sigmoid() if "labels" in output else rows
    if each:
        predictions = predictions.masked_fill(~valid[..., None], 0.0)
    value = output_loss(output, loss, rows[counts], targets[counts], by_row[counts] if weighted else None)
    gradients = torch.autograd.grad(value, list(parameters.values()))

    inputs = {"x": x, "lengths": lengths, "targets": targets}
    inputs |= {"weights": weights} if weighted else {}
    inputs |= {key: parameter.detach().clone() for key, parameter in parameters.items()}
    results = {"outputs": predictions, "loss": value}
    results |= {f"gradient.{key}": gradient for key, gradient in zip(parameters, gradients)}
    cell = {nn.LSTM: "lstm", nn.GRU: "gru"}[module]
    definition = {
        "input": {"features": features},
        "layers": [
            {"cell": cell, "units": size, "bidirectional": bidirectional}
            | ({"projection": projection} if projection else {})
            for size in units
        ],
        "output": output,
    }
    save(name, inputs, results, {"definition": definition} | ({"loss": loss} if loss else {}))
    print(f"{name}: loss {value.item():.4f}")


class Inputs(nn.Module):
    """From features, tokens and statics to what the first layer reads and what all layers begin from."""

    def __init__(self, definition, layers):
        super().__init__()
        self.given, self.layers = definition["input"], layers
        tokens, statics = self.given.get("tokens"), self.given.get("statics")
        if tokens:
            padding, sparse = self.given.get("padding"), self.given.get("sparse", False)
            self.embedding = nn.Embedding(tokens, self.given["embedding"], padding_idx=padding, sparse=sparse)
        if self.as_states:
            self.initial = nn.Linear(statics, sum(sum(sizes) for sizes in self.state_sizes()))
        for parameter in self.parameters():
            parameter.data = rounded(parameter)
        self.scaling = {}
        if self.given.get("scaling") == "standard":
            for name, size in [("input", self.given.get("features")), ("statics", statics)]:
                self.scaling |= {f"{name}.mean": normal(size), f"{name}.deviation": rounded(torch.rand(size) + 0.5)} if size else {}

    @property
    def as_states(self):
        return self.given.get("staticsAs") == "states"

    def state_sizes(self):
        """Of each direction of each layer, from the first layer on."""
        for layer in self.layers:
            states = [layer.hidden_size] * (2 if isinstance(layer, nn.LSTM) else 1)
            yield from [states] * (2 if layer.bidirectional else 1)

    def scaled(self, name, numbers):
        if f"{name}.mean" not in self.scaling:
            return numbers
        return (numbers - self.scaling[f"{name}.mean"]) / self.scaling[f"{name}.deviation"]

    def forward(self, data, valid):
        """[batch, steps, inputs], and each layer's initial states."""
        steps = []
        if "x" in data:
            steps.append(self.scaled("input", data["x"]))
        if "tokens" in data:
            # Which token stands in the padding does not matter: its embedding is not read. A sparse gradient would have a row
            # of zeros for it, and its moments would move, but for that of the padding token.
            steps.append(self.embedding(data["tokens"].masked_fill(~valid, self.given.get("padding", 0))))
        if "statics" not in data:
            return torch.cat(steps, dim=2), None
        statics = self.scaled("statics", data["statics"])
        if not self.as_states:
            return torch.cat([*steps, statics[:, None].expand(*valid.shape, -1)], dim=2), None
        directions = iter(torch.split(self.initial(statics), [sum(sizes) for sizes in self.state_sizes()], dim=1))
        states = []
        for layer in self.layers:
            own = [next(directions) for _ in range(2 if layer.bidirectional else 1)]
            split = [torch.split(direction, layer.hidden_size, dim=1) for direction in own]
            kinds = tuple(torch.stack(kind).contiguous() for kind in zip(*split))
            states.append(kinds if len(kinds) == 2 else kinds[0])
        return torch.cat(steps, dim=2), states


def input_case(name, seed, given, output, module=nn.LSTM, units=(6, 5), bidirectional=False, training=0, clip_norm=0.75):
    """One batch; with `training` so many steps over three batches, clipped, by Adam and a sparse embedding by SparseAdam."""
    torch.manual_seed(seed)
    batches, steps, lengths = 3 if training else 1, 7, torch.tensor([4, 7, 1, 6, 7, 2])
    batch, each, tied = len(lengths), output.get("at") == "each", output.get("tied", False)
    valid = torch.arange(steps) < lengths[:, None]
    size = given.get("features", 0) + given.get("embedding", 0)
    size += given.get("statics", 0) if given.get("staticsAs") != "states" else 0
    layers = recurrent_layers(module, size, list(units), bidirectional)
    definition = {
        "input": given,
        "layers": [
            {"cell": {nn.LSTM: "lstm", nn.GRU: "gru"}[module], "units": size, "bidirectional": bidirectional} for size in units
        ],
        "output": output,
    }
    inputs = Inputs(definition, layers)
    numbers = len(output["classes"]) if "classes" in output else output["values"]
    head = nn.Linear(units[-1] * (2 if bidirectional else 1), numbers)
    for parameter in head.parameters():
        parameter.data = rounded(4 * parameter)
    if tied:
        head.weight = inputs.embedding.weight
    own = {key: p for key, p in inputs.named_parameters() if not key.startswith("layers.")}
    parameters = own | {f"layers.{k}.{key}": p for k, layer in enumerate(layers) for key, p in layer.named_parameters()}
    parameters |= {f"output.{key}": p for key, p in head.named_parameters() if key == "bias" or not tied}

    data = {}
    if "features" in given:
        data["x"] = normal(batches, batch, steps, given["features"]).masked_fill(~valid[..., None], torch.nan)
    if "tokens" in given:
        # Each batch reads tokens of its own, and some of all.
        tokens = torch.stack([torch.randint(given["tokens"] // 2, (batch, steps)) + b for b in range(batches)])
        data["tokens"] = tokens.masked_fill(~valid, 4000)
    if "statics" in given:
        data["statics"] = normal(batches, batch, given["statics"])
    shape = (batches, batch, steps) if each else (batches, batch)
    is_classes = "classes" in output
    targets = torch.randint(numbers, shape) if is_classes else normal(*shape, numbers)
    if each and is_classes:
        targets = targets.masked_fill(~valid, 4000)

    def rows(b):
        of_batch = {key: value[b] for key, value in data.items()}
        x, states = inputs(of_batch, valid)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        for k, layer in enumerate(layers):
            packed, final = layer(packed, states[k] if states else None)
        h_n = final[0] if module is nn.LSTM else final
        hidden, _ = pad_packed_sequence(packed, batch_first=True, total_length=steps)
        return head(read_out(output, None, hidden, h_n, valid))

    def loss(b):
        counts = valid if each else torch.ones(batch, dtype=torch.bool)
        return output_loss(output, {}, rows(b)[counts], targets[b][counts], None)

    def dense(gradient):
        return gradient.to_dense() if gradient.is_sparse else gradient

    predictions = rows(0).softmax(-1) if is_classes else rows(0)
    if each:
        predictions = predictions.masked_fill(~valid[..., None], 0.0)
    value = loss(0)
    value.backward()
    results = {"outputs": predictions, "loss": value}
    results |= {f"gradient.{key}": dense(parameter.grad).clone() for key, parameter in parameters.items()}
    batch_of = (lambda tensor: tensor) if training else (lambda tensor: tensor[0])
    stored = {key: batch_of(value) for key, value in (data | {"targets": targets}).items()} | {"lengths": lengths}
    stored |= {key: parameter.detach().clone() for key, parameter in parameters.items()} | inputs.scaling
    if training:
        more, settings = train_inputs(parameters, given.get("sparse", False), loss, batches, training, clip_norm)
        results, stored = results | more, stored | settings
    save(name, stored, results, {"definition": definition})
    print(f"{name}: loss {value.item():.4f}")


def train_inputs(parameters, sparse, loss, batches, steps, clip_norm):
    settings = {"learning_rate": 0.02, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3}
    settings = {f"adam.{key}": value for key, value in settings.items()} | {"clip_norm": clip_norm}
    settings = {key: rounded(torch.tensor(value)) for key, value in settings.items()}
    learning_rate, beta1, beta2, epsilon, clip_norm = (value.item() for value in settings.values())
    options = {"lr": learning_rate, "betas": (beta1, beta2), "eps": epsilon}
    table = parameters["embedding.weight"]
    others = [parameter for parameter in parameters.values() if not sparse or parameter is not table]
    optimizers = [torch.optim.Adam(others, **options)] + ([torch.optim.SparseAdam([table], **options)] if sparse else [])
    losses, norms = [], []
    for step in range(steps):
        for optimizer in optimizers:
            optimizer.zero_grad()
        value = loss(step % batches)
        value.backward()
        gradients = [p.grad.coalesce() if p.grad.is_sparse else p.grad for p in parameters.values()]
        numbers = [gradient.values() if gradient.is_sparse else gradient for gradient in gradients]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(tensor) for tensor in numbers]))
        for parameter, gradient in zip(parameters.values(), gradients):
            # As `clip_grad_norm_`, which takes no sparse gradients.
            parameter.grad = gradient * torch.clamp(clip_norm / (norm + 1e-6), max=1.0)
        norms.append(norm)
        for optimizer in optimizers:
            optimizer.step()
        losses.append(value.detach())
    assert min(norms) < clip_norm < max(norms), f"some steps are clipped and some are not: {norms}"
    results = {"losses": torch.stack(losses), "norms": torch.stack(norms)}
    return results | {f"trained.{key}": parameter for key, parameter in parameters.items()}, settings


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # A layer's name: batch-steps-features-units.
    stack_case("layer-1-1-1-1", seed=1, steps=1, features=1, units=[1], lengths=[1])
    stack_case("layer-3-7-5-4", seed=2, steps=7, features=5, units=[4], lengths=[7] * 3)
    stack_case("layer-4-9-3-17", seed=3, steps=9, features=3, units=[17], lengths=[9] * 4)
    stack_case("layer-5-12-8-33", seed=4, steps=12, features=8, units=[33], lengths=[12] * 5)
    # Not sorted, two of one step; then one in which nothing reaches the last step.
    stack_case("ragged-6-11-7-15", seed=5, steps=11, features=7, units=[15], lengths=[4, 11, 1, 7, 1, 10])
    stack_case("ragged-3-6-2-16", seed=6, steps=6, features=2, units=[16], lengths=[1, 5, 3])
    # Inputs so large that most gates are all but shut or all but open.
    stack_case("saturated-2-6-3-8", seed=7, steps=6, features=3, units=[8], lengths=[6] * 2, input_scale=30.0)
    stack_case("stack-4-8-6-9-5", seed=8, steps=8, features=6, units=[9, 5], lengths=[3, 8, 1, 6])
    model_case("model", seed=9)
    model_case("model-bidirectional", seed=11, bidirectional=True)

    ragged = {"steps": 8, "features": 6, "lengths": [3, 8, 1, 6]}
    stack_case("gru-9-5", seed=12, units=[9, 5], module=nn.GRU, **ragged)
    stack_case("gru-17-without-biases", seed=13, units=[17], module=nn.GRU, bias=False, **ragged)
    stack_case("rnn-9-5-3", seed=14, units=[9, 5, 3], module=nn.RNN, **ragged)
    stack_case("rnn-17-relu", seed=15, units=[17], module=nn.RNN, nonlinearity="relu", **ragged)
    stack_case("rnn-7-without-biases", seed=16, units=[7], module=nn.RNN, bias=False, **ragged)
    stack_case("lstm-9-5-3-without-biases", seed=17, units=[9, 5, 3], bias=False, **ragged)
    bidirectional = {"bidirectional": True, **ragged}
    stack_case("lstm-9-5-bidirectional", seed=20, units=[9, 5], **bidirectional)
    stack_case("gru-9-5-bidirectional", seed=21, units=[9, 5], module=nn.GRU, **bidirectional)
    stack_case("rnn-9-5-bidirectional", seed=22, units=[9, 5], module=nn.RNN, **bidirectional)
    stack_case("lstm-17-9-projection", seed=23, units=[17, 9], proj_size=5, **ragged)
    stack_case("lstm-9-projection-bidirectional", seed=24, units=[9], proj_size=4, **bidirectional)
    model_case("model-gru-bidirectional", seed=18, bidirectional=True, module=nn.GRU)
    model_case("model-rnn-relu", seed=19, module=nn.RNN, nonlinearity="relu")

    names = ["a", "b", "c", "d"]
    cross_entropy = {"kind": "cross_entropy", "classWeights": {"a": 0.5, "c": 3.0}, "labelSmoothing": 0.25}
    output_case("output-classes-weighted", seed=30, output={"classes": names}, loss=cross_entropy, weighted="sample")
    output_case("output-classes-smoothed", seed=31, output={"classes": names}, loss=cross_entropy, bidirectional=True)
    each = {"classes": names, "at": "each"}
    output_case("output-classes-each", seed=32, output=each)
    output_case("output-classes-each-steps", seed=33, output=each, loss=cross_entropy, weighted="step", bidirectional=True)
    output_case("output-classes-each-samples", seed=34, output=each, weighted="sample", module=nn.GRU)
    many = {"classes": [str(name) for name in range(70)], "at": "each"}
    smoothed = {"kind": "cross_entropy", "labelSmoothing": 0.125}
    output_case("output-classes-many", seed=35, output=many, loss=smoothed, units=[9])
    attention = {"classes": names, "at": "attention", "attentionUnits": 4}
    output_case("output-classes-attention", seed=36, output=attention, bidirectional=True)
    output_case("output-classes-mean", seed=37, output={"classes": names, "at": "mean"}, bidirectional=True)
    labels = ["a", "b", "c", "d", "e"]
    binary = {"kind": "binary_cross_entropy", "positiveWeights": {"b": 2.5, "e": 0.5}}
    output_case("output-labels", seed=38, output={"labels": labels})
    output_case("output-labels-mean", seed=39, output={"labels": labels, "at": "mean"}, loss=binary, weighted="sample")
    output_case("output-labels-each", seed=40, output={"labels": labels, "at": "each"}, loss=binary, weighted="step")
    output_case("output-labels-max", seed=41, output={"labels": labels, "at": "max"}, bidirectional=True)
    output_case("output-values", seed=42, output={"values": 2, "steps": 3})
    output_case("output-values-max", seed=43, output={"values": 2, "at": "max"}, loss={"kind": "mae"}, weighted="sample")
    output_case("output-values-each", seed=44, output={"values": 2, "at": "each"}, loss={"kind": "mae"}, weighted="step")
    huber = {"kind": "huber", "delta": 0.75}
    output_case("output-values-attention", seed=45, output={"values": 3, "at": "attention"}, loss=huber, weighted="sample")
    quantiles = {"values": 2, "steps": 2, "quantiles": [0.125, 0.5, 0.75]}
    output_case("output-quantiles", seed=46, output=quantiles, weighted="sample")
    output_case("output-quantiles-each", seed=47, output=quantiles | {"at": "each"}, bidirectional=True)
    projected = {"units": [7], "bidirectional": True, "projection": 3}
    output_case("output-classes-each-projected", seed=48, output=each, **projected)
    output_case("output-values-attention-projected", seed=49, output={"values": 1, "at": "attention"}, **projected)
    output_case("output-labels-projected", seed=50, output={"labels": labels}, **projected)

    words = {"tokens": 12, "embedding": 5}
    three = {"classes": ["a", "b", "c"]}
    input_case("input-tokens", seed=60, given=words, output=three, bidirectional=True)
    padded = {"features": 3, **words, "padding": 2}
    input_case("input-tokens-features-padding", seed=61, given=padded, output={"values": 2, "at": "mean"}, module=nn.GRU)
    next_token = {"classes": [str(token) for token in range(12)], "at": "each", "tied": True}
    input_case("input-tied", seed=62, given=words | {"padding": 0}, output=next_token)
    statics = {"statics": 4}
    scaled = {"features": 3, **statics, "scaling": "standard"}
    input_case("input-statics-steps", seed=63, given=scaled, output=three | {"at": "each"})
    input_case("input-all-steps", seed=64, given={"features": 2, **words, **statics}, output={"values": 1}, module=nn.GRU)
    as_states = statics | {"staticsAs": "states"}
    input_case("input-statics-states", seed=65, given={"features": 3, **as_states}, output=three, bidirectional=True)
    scaled = words | as_states | {"scaling": "standard"}
    input_case("input-statics-states-gru", seed=66, given=scaled, output=three | {"at": "each"}, module=nn.GRU)
    input_case("input-adam", seed=67, given=words | {"padding": 2}, output=three, training=8)
    sparse = words | {"padding": 2, "sparse": True}
    input_case("input-adam-sparse", seed=68, given=sparse, output=three | {"at": "each"}, training=8)
    input_case("input-adam-tied", seed=69, given=words | {"padding": 0}, output=next_token, training=8, clip_norm=0.4)

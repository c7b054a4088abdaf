"""Writes the test vectors of what stands between layers and of states that are carried on, as PyTorch computes them in float64.

    pip install torch numpy safetensors
    python structure.py

Everything is rounded and stored as in `generate.py`, whose files these lie beside.

The files whose names begin with `output` have the tensors of that script's outputs: models whose bidirectional layers are merged,
whose layers add what they read to what they give, and that have an `nn.LayerNorm` before layers and before the head. Those whose names begin with `carried` are training runs; the metadata's
`case` is JSON with the `definition` and the `options` of the run:

    x [n, steps, features]; lengths [n]; targets [n], or [n, steps] classes, below 0 where a step has none
    layers.K.*, output.{weight,bias}                the parameters before training
    losses [steps that have any target]             each before its step
    trained.NAME                                    the parameters afterwards
"""

import torch
from generate import fill_padding_with_nan, normal, output_loss, read_out, recurrent_layers, rounded, save
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def outputs_of(layer):
    return layer["units"] * (2 if layer.get("bidirectional") and layer.get("merge", "concat") == "concat" else 1)


def norm_over(numbers):
    """A normalisation whose gain and bias are no longer what they begin as."""
    norm = nn.LayerNorm(numbers)
    norm.weight.data = rounded(0.5 + torch.rand(numbers))
    norm.bias.data = rounded(torch.rand(numbers) - 0.5)
    return norm


def modules_of(definition):
    """The layers, one-layer modules, and the head, with rounded weights; the normalisations of what they read, the identity where
    there is none; and every parameter by its name."""
    layers, norms, inputs = [], [], definition["input"]["features"]
    for layer in definition["layers"]:
        norms.append(norm_over(inputs) if layer.get("inputNorm") else nn.Identity())
        bidirectional = layer.get("bidirectional", False)
        layers += recurrent_layers(MODULES[layer["cell"]], inputs, [layer["units"]], bidirectional)
        inputs = outputs_of(layer)
    output = definition["output"]
    norms.append(norm_over(inputs) if output.get("norm") else nn.Identity())
    head = nn.Linear(inputs, len(output["classes"]) if "classes" in output else output["values"])
    for parameter in head.parameters():
        parameter.data = rounded(4 * parameter)
    places = [f"layers.{k}" for k in range(len(layers))] + ["output"]
    parameters = {
        f"{place}.{key}": p
        for place, norm, module in zip(places, norms, [*layers, head])
        for key, p in (*norm.named_parameters("norm"), *module.named_parameters())
    }
    return layers, norms, head, parameters


def merged(layer, directions):
    """[..., 2, H] of both directions as `merge` says."""
    match layer.get("merge", "concat"):
        case "concat":
            return directions.flatten(-2)
        case "sum":
            return directions.sum(-2)
        case "mean":
            return directions.mean(-2)


def run(definition, layers, norms, x, lengths, states):
    """What the last layer gives at every step and at the end, and the states of every layer after it."""
    batch, steps = x.shape[:2]
    finals = []
    for layer, module, norm, state in zip(definition["layers"], layers, norms, states):
        packed = pack_padded_sequence(norm(x), lengths, batch_first=True, enforce_sorted=False)
        hidden, final = module(packed, state)
        hidden, _ = pad_packed_sequence(hidden, batch_first=True, total_length=steps)
        directions = 2 if module.bidirectional else 1
        given = merged(layer, hidden.unflatten(-1, (directions, -1)))
        h_n = final[0] if isinstance(final, tuple) else final
        last = merged(layer, h_n.transpose(0, 1))
        if layer.get("residual"):
            given = given + x
            last = last + x[torch.arange(batch), lengths - 1]
        finals.append(final)
        x = given
    return x, last, finals


def structure_case(name, seed, layers, output):
    torch.manual_seed(seed)
    steps, lengths = 7, torch.tensor([4, 7, 1, 6, 7, 2])
    batch, each, numbers = len(lengths), output.get("at") == "each", output["values"]
    definition = {"input": {"features": 5}, "layers": layers, "output": output}
    valid = torch.arange(steps) < lengths[:, None]
    modules, norms, head, parameters = modules_of(definition)
    x = normal(batch, steps, 5)
    fill_padding_with_nan(x, lengths)
    # What is added to a padded step counts nowhere, and must not be NaN here.
    hidden, last, _ = run(definition, modules, norms, x.nan_to_num(), lengths, [None] * len(layers))
    rows = head(norms[-1](read_out(output, None, hidden, last[None], valid)))
    counts = valid if each else torch.ones(batch, dtype=torch.bool)
    targets = normal(*counts.shape, numbers).masked_fill(~counts[..., None], torch.nan)
    value = output_loss(output, {}, rows[counts], targets[counts], None)
    gradients = torch.autograd.grad(value, list(parameters.values()))
    inputs = {"x": x, "lengths": lengths, "targets": targets}
    inputs |= {key: parameter.detach().clone() for key, parameter in parameters.items()}
    results = {"outputs": rows.masked_fill(~counts[..., None], 0.0), "loss": value}
    results |= {f"gradient.{key}": gradient for key, gradient in zip(parameters, gradients)}
    save(name, inputs, results, {"definition": definition})
    print(f"{name}: loss {value.item():.4f}")


def rows_of(state, places):
    return tuple(part[:, places] for part in state) if isinstance(state, tuple) else state[:, places]


def put_rows(state, places, final):
    for part, new in zip(*((s if isinstance(s, tuple) else (s,)) for s in (state, final))):
        part[:, places] = new.detach()


def carried_case(name, seed, layers, output, lengths, options):
    torch.manual_seed(seed)
    steps, classes, batch_size = max(lengths), len(output["classes"]), options["batchSize"]
    definition = {"input": {"features": 3}, "layers": layers, "output": output}
    lengths, each = torch.tensor(lengths), output.get("at") == "each"
    n = len(lengths)
    modules, norms, head, parameters = modules_of(definition)
    x = normal(n, steps, 3)
    fill_padding_with_nan(x, lengths)
    targets = torch.randint(classes, (n, steps) if each else (n,))
    inputs = {"x": x, "lengths": lengths, "targets": targets}
    inputs |= {key: parameter.detach().clone() for key, parameter in parameters.items()}
    learning_rate = rounded(torch.tensor(options["optimizer"]["learningRate"])).item()
    betas = tuple(rounded(torch.tensor([0.9, 0.999])).tolist())
    adam = torch.optim.Adam(parameters.values(), lr=learning_rate, betas=betas, eps=rounded(torch.tensor(1e-8)).item())

    def zeros(size):
        states = [torch.zeros(1, size, layer["units"]) for layer in layers]
        return [(state, state.clone()) if layer["cell"] == "lstm" else state for layer, state in zip(layers, states)]

    losses, chunk = [], options.get("backpropagationSteps", steps)
    for _ in range(options["epochs"]):
        states = None
        for start in range(0, n, batch_size):
            samples = torch.arange(start, min(start + batch_size, n))
            if states is None or not options.get("stateful"):
                states = zeros(len(samples))
            for first in range(0, steps, chunk):
                places = torch.nonzero(lengths[samples] > first)[:, 0]
                if len(places) == 0:
                    break
                chosen = samples[places]
                left = (lengths[chosen] - first).clamp(max=chunk)
                window = x[chosen, first : first + chunk].nan_to_num()
                initial = [rows_of(state, places) for state in states]
                hidden, last, finals = run(definition, modules, norms, window, left, initial)
                for state, final in zip(states, finals):
                    put_rows(state, places, final)
                if each:
                    valid = torch.arange(window.shape[1]) < left[:, None]
                    rows, wanted = hidden[valid], targets[chosen, first : first + chunk][valid]
                else:
                    ends = lengths[chosen] <= first + chunk
                    rows, wanted = last[ends], targets[chosen][ends]
                if len(rows) == 0:
                    continue
                value = nn.functional.cross_entropy(head(norms[-1](rows)), wanted)
                adam.zero_grad()
                value.backward()
                adam.step()
                losses.append(value.detach())
    results = {"losses": torch.stack(losses)} | {f"trained.{key}": parameter for key, parameter in parameters.items()}
    save(name, inputs, results, {"definition": definition, "options": options})
    print(f"{name}: {len(losses)} losses, {losses[0].item():.4f} to {losses[-1].item():.4f}")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    def both(cell, units, merge, **options):
        return {"cell": cell, "units": units, "bidirectional": True, "merge": merge, **options}

    values, each = {"values": 2}, {"values": 2, "at": "each"}
    residual = {"cell": "lstm", "units": 5, "residual": True}
    structure_case("output-merge-sum", 60, [both("lstm", 6, "sum"), both("gru", 5, "sum")], values)
    structure_case("output-merge-mean", 61, [both("gru", 6, "mean"), both("lstm", 5, "mean")], values)
    structure_case("output-merge-mean-each", 62, [both("lstm", 5, "mean", residual=True), both("rnn", 7, "sum")], each)
    structure_case("output-residual", 63, [residual, {"cell": "gru", "units": 5, "residual": True}], values)
    structure_case("output-residual-each", 64, [residual, both("lstm", 5, "sum", residual=True)], each)
    structure_case("output-residual-pooled", 65, [both("lstm", 4, "concat"), both("gru", 8, "mean", residual=True)], values | {"at": "mean"})

    normed = {"cell": "lstm", "units": 6, "inputNorm": True}
    structure_case("output-norm-first", 66, [normed, {"cell": "gru", "units": 5}], values)
    between = [both("lstm", 5, "concat"), {"cell": "gru", "units": 7, "inputNorm": True}]
    structure_case("output-norm-between", 67, between, values | {"at": "max"})
    structure_case("output-norm-head", 68, [both("rnn", 4, "concat")], values | {"norm": True})
    everywhere = [residual | {"inputNorm": True}, {"cell": "gru", "units": 5, "inputNorm": True, "residual": True}]
    structure_case("output-norm-each", 69, everywhere, each | {"norm": True})

    names = ["a", "b", "c", "d"]
    stack = [{"cell": "lstm", "units": 7}, {"cell": "gru", "units": 5}]
    adam = {"optimizer": {"kind": "adam", "learningRate": 0.02}, "shuffle": False, "epochs": 2}
    ragged = [11, 4, 9, 1, 10, 8]
    truncated = adam | {"batchSize": 4, "backpropagationSteps": 4}
    carried_case("carried-truncated-each", 70, stack, {"classes": names, "at": "each"}, ragged, truncated)
    carried_case("carried-truncated-last", 71, stack, {"classes": names}, ragged, truncated)
    stateful = adam | {"batchSize": 3, "stateful": True}
    carried_case("carried-stateful", 72, stack, {"classes": names, "at": "each"}, ragged, stateful)
    normed = [stack[0] | {"inputNorm": True}, stack[1] | {"inputNorm": True}]
    carried_case("carried-norm", 74, normed, {"classes": names, "at": "each", "norm": True}, ragged, truncated)
    carried_case("carried-both", 73, stack, {"classes": names, "at": "each"}, [10] * 6, stateful | {"backpropagationSteps": 4})

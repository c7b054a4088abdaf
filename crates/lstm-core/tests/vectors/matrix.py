"""Writes `matrix-lstm.safetensors`, `matrix-gru.safetensors` and `matrix-rnn.safetensors`: every combination of what PyTorch's
own recurrent modules take, in float64.

    python matrix.py

LSTM, GRU, RNN (tanh and ReLU) × 1 to 3 layers × one direction or both × projection (of LSTMs) × bias or none × ragged or full
length × initial states or none. Cases of the same layers share what goes in, so each file's metadata has JSON under `case`:
`cases`, each with its `name`, the definitions of its `layers`, and the `prefixes` of its tensors' names, without which they are
those of a stack as `generate.py` tells of them. Full length comes without `lengths`, no initial states without `h0` and `c0`.
"""

from itertools import product

import torch
from torch import nn

from generate import fill_padding_with_nan, normal, recurrent_layers, run_layers, save

BATCH, STEPS, FEATURES = 3, 4, 2
LENGTHS = [2, 4, 1]
UNITS, PROJECTED = [3, 2, 3], [2, 1, 2]
MODULES = {"lstm": (nn.LSTM, [{}]), "gru": (nn.GRU, [{}]), "rnn": (nn.RNN, [{"nonlinearity": "tanh"}, {"nonlinearity": "relu"}])}


def stack(module, count, bidirectional, projected, options):
    """One-layer modules; each has its own size of projection."""
    directions, features, layers = 2 if bidirectional else 1, FEATURES, nn.ModuleList()
    for units, projection in list(zip(UNITS, PROJECTED))[:count]:
        sizes = {"proj_size": projection} if projected else {}
        layers += recurrent_layers(module, features, [units], bidirectional, **sizes, **options)
        features = directions * (projection if projected else units)
    return layers


def definition(cell, layer):
    """Only what is not the default."""
    options = {
        "bidirectional": layer.bidirectional,
        "projection": layer.proj_size,
        "activation": "relu" if getattr(layer, "nonlinearity", "tanh") == "relu" else None,
    }
    options = {name: value for name, value in options.items() if value}
    return {"cell": cell, "units": layer.hidden_size, **options, **({} if layer.bias else {"bias": False})}


def named_states(layers, names):
    """Initial states for each layer."""
    of_layers = []
    for layer in layers:
        shape = (2, BATCH) if layer.bidirectional else (BATCH,)
        sizes = {"h0": layer.proj_size or layer.hidden_size, "c0": layer.hidden_size}
        of_layers.append({name: normal(*shape, sizes[name]) for name in names})
    return of_layers


def results_of(layers, x, lengths, states, cotangents):
    """Every result of one case, from given states or from none."""
    given = [tuple(layer_states.values()) for layer_states in states]
    differentiable = {"x": x}
    for k, (layer, layer_states) in enumerate(zip(layers, states)):
        differentiable |= {f"layers.{k}.{name}": parameter for name, parameter in layer.named_parameters()}
        differentiable |= {f"layers.{k}.{name}": state for name, state in layer_states.items() if state.requires_grad}
    outputs = run_layers(layers, x, lengths, given)
    top = len(layers) - 1
    results = {
        f"layers.{k}.{name}": output
        for k, layer_outputs in enumerate(outputs)
        for name, output in zip(["hidden", "h_n", "c_n"], layer_outputs)
        if name != "hidden" or k == top
    }
    for name in results:
        cotangents.setdefault(name, normal(*results[name].shape))
    seeds = [cotangents[name] for name in results]
    gradients = torch.autograd.grad(list(results.values()), list(differentiable.values()), seeds)
    return results | {f"gradient.{name}": gradient for name, gradient in zip(differentiable, gradients)}


def matrix(cell):
    module, kinds = MODULES[cell]
    inputs, results, cases = {}, {}, []
    structures = product(kinds, (1, 2, 3), (False, True), (False, True) if cell == "lstm" else (False,), (True, False))
    for index, (kind, count, bidirectional, projected, bias) in enumerate(structures):
        torch.manual_seed(1000 * sorted(MODULES).index(cell) + index)
        layers = stack(module, count, bidirectional, projected, kind | {"bias": bias})
        definitions = [definition(cell, layer) for layer in layers]
        x = normal(BATCH, STEPS, FEATURES)
        ragged = x.clone()
        fill_padding_with_nan(ragged, LENGTHS)
        names = ["h0", "c0"] if cell == "lstm" else ["h0"]
        states = named_states(layers, names)
        zeros = [{name: torch.zeros_like(state) for name, state in of_layer.items()} for of_layer in states]
        for tensor in [x, ragged, *(state for of_layer in states for state in of_layer.values())]:
            tensor.requires_grad_()
        cotangents = {}
        batches = {"full": {"x": x}, "ragged": {"x": ragged, "lengths": torch.tensor(LENGTHS)}}
        for variant, (batch, begun) in enumerate(product(batches, (False, True))):
            lengths = torch.tensor(LENGTHS if batch == "ragged" else [STEPS] * BATCH)
            found = results_of(layers, batches[batch]["x"], lengths, states if begun else zeros, cotangents)
            results |= {f"{index}.{variant}.{name}": tensor for name, tensor in found.items()}
            prefixes = [f"{index}.in.", f"{index}.{batch}.", *([f"{index}.begun."] if begun else []), f"{index}.{variant}."]
            name = f"{'-'.join(str(layer.hidden_size) for layer in layers)} {batch}{' from states' if begun else ''}"
            cases.append({"name": name, "prefixes": prefixes, "layers": definitions})
        inputs |= {f"{index}.in.cotangent.{name}": value for name, value in cotangents.items()}
        for k, (layer, layer_states) in enumerate(zip(layers, states)):
            inputs |= {f"{index}.in.layers.{k}.{name}": parameter for name, parameter in layer.named_parameters()}
            inputs |= {f"{index}.begun.layers.{k}.{name}": state for name, state in layer_states.items()}
        inputs |= {f"{index}.{batch}.{name}": tensor for batch, tensors in batches.items() for name, tensor in tensors.items()}
    save(f"matrix-{cell}", inputs, results, {"cases": cases})
    print(f"{cell}: {len(cases)} cases")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for cell in MODULES:
        matrix(cell)

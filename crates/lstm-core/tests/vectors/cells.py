"""Recurrent layers in plain PyTorch, written from the equations of the papers: what `torch.nn` has no module for.

One step is a few lines over a whole batch, autograd does the rest. Layers are given as Gatewise's definitions (the JSON, as
a dict), their tensors by Gatewise's names without `_l0`: n sequences, I inputs, H units, R numbers of hidden state (H, or
what they are projected to), G gates of H rows each.

    weight_ih [G·H, I]; weight_hh [G·H, R]; bias_ih, bias_hh [G·H]; weight_hr [R, H]
    weight_peephole [3, H] of the gates i, f, o ([2, H] of i, o where gates are coupled)
    gain_gates [G, H]; gain_cell, bias_cell [H]

The masks of one direction: recurrent [n, R], keep_hidden [n, steps, R], keep_cell [n, steps, H], weight [G·H, R]; an option
without its mask does what prediction does.
"""

import torch
from torch.nn import functional

NORM_EPSILON = 1e-5

# The deviations of all that was normalised since the list was cleared.
deviations = []


def norm(values, gain, bias=None):
    """Ba, Kiros and Hinton 2016, equation 3, over the units."""
    deviations.append(values.detach().std(dim=1, correction=0))
    return functional.layer_norm(values, values.shape[1:], gain, bias, NORM_EPSILON)


def gate_function(definition):
    match definition.get("gateActivation", "sigmoid"):
        case "sigmoid":
            return torch.sigmoid
        case "hard_sigmoid":  # Keras 3, PyTorch
            return lambda z: torch.clamp(z / 6 + 0.5, 0, 1)
        case "hard_sigmoid_fifth":  # Keras 2, ONNX
            return lambda z: torch.clamp(0.2 * z + 0.5, 0, 1)


def affine(x, weights, name, bias, gates):
    """The gates' shares of one product, [n, H] each."""
    return functional.linear(x, weights[name], weights.get(bias)).chunk(gates, dim=1)


def lstm(definition, weights, x, seen, _h, c):
    """Gers, Schmidhuber and Cummins 2000; `seen` is the hidden state after recurrent dropout."""
    coupled = definition.get("coupledGates", False)
    gates = 3 if coupled else 4
    squash = gate_function(definition)
    if definition.get("layerNorm"):
        # Ba, Kiros and Hinton 2016, equation 4, gate by gate: each has its own statistics and gains; biases come after.
        sums = functional.linear(x, weights["weight_ih"]) + functional.linear(seen, weights["weight_hh"])
        z = [norm(gate, gain) for gate, gain in zip(sums.chunk(gates, dim=1), weights["gain_gates"])]
        for bias in ("bias_ih", "bias_hh"):
            z = [gate + b for gate, b in zip(z, weights[bias].chunk(gates))] if bias in weights else z
    else:
        of_x = affine(x, weights, "weight_ih", "bias_ih", gates)
        of_h = affine(seen, weights, "weight_hh", "bias_hh", gates)
        z = [a + b for a, b in zip(of_x, of_h)]
    # Gers and Schmidhuber 2000: the gates that open the cell see its old state, the one that lets it out the new one.
    peepholes = list(weights.get("weight_peephole", torch.zeros(gates - 1, c.shape[1])))
    i = squash(z[0] + peepholes[0] * c)
    # Coupled gates: Greff et al. 2017, "CIFG".
    f = 1 - i if coupled else squash(z[1] + peepholes[1] * c)
    g = torch.tanh(z[-2])
    new = f * c + i * g
    if "cellClip" in definition:  # Sak, Senior and Beaufays 2014
        new = torch.clamp(new, -definition["cellClip"], definition["cellClip"])
    o = squash(z[-1] + peepholes[-1] * new)
    if definition.get("layerNorm"):
        out = norm(new, weights["gain_cell"], weights["bias_cell"])
    else:
        out = new
    said = o * torch.tanh(out)
    if "projection" in definition:  # Sak, Senior and Beaufays 2014
        said = functional.linear(said, weights["weight_hr"])
    return said, new


def gru(definition, weights, x, seen, h, _c):
    """Cho et al. 2014, and with the reset gate after the product as in cuDNN."""
    of_x = affine(x, weights, "weight_ih", "bias_ih", 3)
    of_h = affine(seen, weights, "weight_hh", "bias_hh", 3)
    r = torch.sigmoid(of_x[0] + of_h[0])
    z = torch.sigmoid(of_x[1] + of_h[1])
    if definition.get("reset") == "before":
        new = torch.tanh(of_x[2] + affine(r * seen, weights, "weight_hh", "bias_hh", 3)[2])
    else:
        new = torch.tanh(of_x[2] + r * of_h[2])
    return (1 - z) * new + z * h, None


def rnn(definition, weights, x, seen, _h, _c):
    """Elman 1990."""
    (z,) = affine(x, weights, "weight_ih", "bias_ih", 1)
    z = z + affine(seen, weights, "weight_hh", "bias_hh", 1)[0]
    return (torch.relu(z) if definition.get("activation") == "relu" else torch.tanh(z)), None


CELLS = {"lstm": lstm, "gru": gru, "rnn": rnn}


def zoned_out(new, old, rate, mask):
    """Krueger et al. 2017: each number keeps its old value where the mask says so; in prediction, as often as not."""
    keep = rate if mask is None else mask
    return keep * old + (1 - keep) * new


def direction(definition, weights, x, lengths, h, c, masks, reverse=False):
    """hidden [n, steps, R], 0 in the padding, and the final states [n, R] and [n, H]; c is None unless an LSTM's."""
    step = CELLS[definition["cell"]]
    zoneout = definition.get("zoneout", {})
    if "weight" in masks:  # Wan et al. 2013; on recurrent weights, Merity et al. 2018
        weights = weights | {"weight_hh": weights["weight_hh"] * masks["weight"]}
    n, steps, _ = x.shape
    rows = torch.arange(n)
    hidden = torch.zeros(n, steps, h.shape[1])
    for turn in range(steps):
        valid = (turn < lengths)[:, None]
        # Where a sequence is over, some step of it is read and what comes of it forgotten.
        at = torch.clamp(lengths - 1 - turn, min=0) if reverse else torch.clamp(torch.full((n,), turn), max=lengths - 1)
        # Gal and Ghahramani 2016: one mask for all steps, over what the gates see.
        seen = h * masks["recurrent"] if "recurrent" in masks else h
        new_h, new_c = step(definition, weights, x[rows, at], seen, h, c)
        if "hidden" in zoneout:
            mask = masks["keep_hidden"][rows, at] if "keep_hidden" in masks else None
            new_h = zoned_out(new_h, h, zoneout["hidden"], mask)
        if "cell" in zoneout:
            mask = masks["keep_cell"][rows, at] if "keep_cell" in masks else None
            new_c = zoned_out(new_c, c, zoneout["cell"], mask)
        h = torch.where(valid, new_h, h)
        c = None if c is None else torch.where(valid, new_c, c)
        hidden = hidden.index_put((rows, at), torch.where(valid, new_h, hidden[rows, at]))
    return hidden, h, c


def shapes(definition, inputs):
    """Every tensor of one direction, with its shape."""
    units = definition["units"]
    states = definition.get("projection", units)
    gates = {"lstm": 3 if definition.get("coupledGates") else 4, "gru": 3, "rnn": 1}[definition["cell"]]
    tensors = {"weight_ih": (gates * units, inputs), "weight_hh": (gates * units, states)}
    if definition.get("bias", True):
        tensors |= {"bias_ih": (gates * units,), "bias_hh": (gates * units,)}
    if "projection" in definition:
        tensors |= {"weight_hr": (states, units)}
    if definition.get("peepholes"):
        tensors |= {"weight_peephole": (gates - 1, units)}
    if definition.get("layerNorm"):
        tensors |= {"gain_gates": (gates, units), "gain_cell": (units,), "bias_cell": (units,)}
    return tensors

"""Writes `options.safetensors`: every option of a layer that PyTorch's own modules lack, alone and with others, by the plain
cells of `cells.py`, in float64 with autograd's gradients.

    python options.py

A case's tensors begin with its name, `lstm-peepholes.x`; without it they are those of a stack as `generate.py` tells of them,
and, where the case is a training step, its masks:

    layers.K.masks.{recurrent [D, batch, R], keep_hidden [batch, steps, D·R], keep_cell [batch, steps, D·H],
        weight [D, G·H, R]}

The metadata's `case` is JSON: `cases`, each with its `name`, the `prefixes` of its tensors' names, and the definitions of
its `layers`.
"""

import torch

import cells
from generate import fill_padding_with_nan, normal, rounded, save

LENGTHS = [4, 6, 1, 5]
FEATURES = 3
KEEP = {"hidden": 0.25, "cell": 0.5}
DROPS = {"recurrentDropout": 0.25, "weightDropout": 0.5}
EVERYTHING = {"peepholes": True, "layerNorm": True, "cellClip": 0.75, "zoneout": KEEP} | DROPS


def initial(name, shape):
    """Pre-activations of size 1, gains around 1."""
    if name.startswith("gain"):
        return rounded(1 + 0.25 * torch.randn(shape))
    return rounded(torch.randn(shape) * {1: 0.5, 2: shape[-1] ** -0.5}[len(shape)]) if name != "weight_peephole" else normal(*shape)


def dropped(rate, *shape):
    return rounded((torch.rand(shape) >= rate) / (1 - rate))


def draw_masks(definition, batch, steps, directions, states, rows):
    zoneout, units = definition.get("zoneout", {}), definition["units"]
    masks = {}
    if "recurrentDropout" in definition:
        masks["recurrent"] = dropped(definition["recurrentDropout"], directions, batch, states)
    for name, size in (("hidden", states), ("cell", units)):
        if name in zoneout:
            masks[f"keep_{name}"] = (torch.rand(batch, steps, directions * size) < zoneout[name]).double()
    if "weightDropout" in definition:
        masks["weight"] = dropped(definition["weightDropout"], directions, rows, states)
    return masks


def masks_of(masks, which, directions):
    """One direction's masks."""
    parts = {name: mask.chunk(directions, dim=2)[which] for name, mask in masks.items() if name.startswith("keep")}
    return parts | {name: mask[which] for name, mask in masks.items() if not name.startswith("keep")}


def run_layer(definition, tensors, x, lengths, masks):
    """(hidden, h_n, c_n) as PyTorch's modules have them; without c_n where there is no cell state."""
    directions = 2 if definition.get("bidirectional") else 1
    outputs = []
    for which, suffix in enumerate(["_l0", "_l0_reverse"][:directions]):
        names = cells.shapes(definition, x.shape[2])
        weights = {name: tensors[f"{name}{suffix}"] for name in names}
        states = [tensors[state] if state in tensors else None for state in ("h0", "c0")]
        h, c = (state if state is None or directions == 1 else state[which] for state in states)
        masked = masks_of(masks, which, directions)
        outputs.append(cells.direction(definition, weights, x, lengths, h, c, masked, reverse=which == 1))
    hidden, h, c = zip(*outputs)
    finals = [torch.stack(states) if directions == 2 else states[0] for states in (h, c) if states[0] is not None]
    return torch.cat(hidden, dim=2), *finals


def option_case(seed, layers, training=True, lengths=LENGTHS, input_scale=1.0):
    """What goes into a stack of layers, and what comes out."""
    torch.manual_seed(seed)
    batch, steps, top = len(lengths), max(lengths), len(layers) - 1
    x = rounded(input_scale * normal(batch, steps, FEATURES))
    fill_padding_with_nan(x, lengths)
    inputs, differentiable, features = {"lengths": torch.tensor(lengths)}, {"x": x}, FEATURES
    masks = []
    for k, definition in enumerate(layers):
        directions = 2 if definition.get("bidirectional") else 1
        states = definition.get("projection", definition["units"])
        shapes = cells.shapes(definition, features)
        for suffix in ["_l0", "_l0_reverse"][:directions]:
            differentiable |= {f"layers.{k}.{name}{suffix}": initial(name, shape) for name, shape in shapes.items()}
        several = (2,) if directions == 2 else ()
        differentiable[f"layers.{k}.h0"] = normal(*several, batch, states)
        if definition["cell"] == "lstm":
            differentiable[f"layers.{k}.c0"] = normal(*several, batch, definition["units"])
        rows = shapes["weight_hh"][0]
        masks.append(draw_masks(definition, batch, steps, directions, states, rows) if training else {})
        inputs |= {f"layers.{k}.masks.{name}": mask for name, mask in masks[k].items()}
        features = directions * states
    for tensor in differentiable.values():
        tensor.requires_grad_()

    results, cotangents, below = {}, {}, x
    for k, definition in enumerate(layers):
        prefix = f"layers.{k}."
        tensors = {name.removeprefix(prefix): tensor for name, tensor in differentiable.items() if name.startswith(prefix)}
        outputs = run_layer(definition, tensors, below, inputs["lengths"], masks[k])
        below = outputs[0]
        for name, output in zip(["hidden", "h_n", "c_n"], outputs):
            results[f"{prefix}{name}"] = output
            if name != "hidden" or k == top:
                cotangents[f"{prefix}{name}"] = normal(*output.shape)
        if "cellClip" in definition and "zoneout" not in definition:
            clipped = outputs[2].abs() == definition["cellClip"]
            assert clipped.any() and not clipped.all(), "some are clipped and some are not"
    seeds = [results[name] for name in cotangents]
    gradients = torch.autograd.grad(seeds, list(differentiable.values()), list(cotangents.values()))
    results |= {f"gradient.{name}": gradient for name, gradient in zip(differentiable, gradients)}
    return inputs | differentiable | {f"cotangent.{name}": value for name, value in cotangents.items()}, results


def well_conditioned(number, layers, options):
    """
    The case of the first seed whose units never come so close together that normalising them divides by next to nothing: f32
    has rounded away by then what float64 still sees.
    """
    for seed in range(1000 * number, 1000 * (number + 1)):
        cells.deviations.clear()
        tensors = option_case(seed, layers, **options)
        if all(deviation.min() > 0.15 for deviation in cells.deviations):
            return tensors
    raise ValueError(f"no seed is good enough for {layers}")


def save_cases(name, cases):
    """Cases with names of their own, in one file."""
    inputs, results, listed = {}, {}, []
    for number, (case, layers, options) in enumerate(cases):
        for into, tensors in zip((inputs, results), well_conditioned(number, layers, options)):
            into |= {f"{case}.{tensor}": values for tensor, values in tensors.items()}
        listed.append({"name": case, "prefixes": [f"{case}."], "layers": layers})
    save(name, inputs, results, {"cases": listed})


def alone(cell, name, options, units=4, **how):
    return f"{cell}-{name}", [{"cell": cell, "units": units, **options}], how


def option_cases():
    cases = [
        alone("lstm", "layer-norm", {"layerNorm": True}),
        alone("lstm", "layer-norm-without-biases", {"layerNorm": True, "bias": False}),
        alone("lstm", "peepholes", {"peepholes": True}),
        alone("lstm", "coupled-gates", {"coupledGates": True}),
        alone("lstm", "coupled-gates-peepholes", {"coupledGates": True, "peepholes": True}),
        alone("lstm", "coupled-gates-layer-norm", {"coupledGates": True, "layerNorm": True}),
        alone("lstm", "cell-clip", {"cellClip": 0.5}),
        alone("lstm", "hard-sigmoid", {"gateActivation": "hard_sigmoid"}, input_scale=4.0),
        alone("lstm", "hard-sigmoid-fifth", {"gateActivation": "hard_sigmoid_fifth"}, input_scale=4.0),
        alone("lstm", "zoneout", {"zoneout": KEEP}),
        alone("lstm", "zoneout-of-hidden", {"zoneout": {"hidden": 0.25}}),
        alone("lstm", "zoneout-of-cell", {"zoneout": {"cell": 0.5}}),
        alone("lstm", "zoneout-predicted", {"zoneout": KEEP}, training=False),
        alone("gru", "reset-before", {"reset": "before"}),
        alone("gru", "reset-before-without-biases", {"reset": "before", "bias": False}),
    ]
    for cell in ("lstm", "gru", "rnn"):
        cases += [
            alone(cell, "recurrent-dropout", {"recurrentDropout": 0.25}),
            alone(cell, "weight-dropout", {"weightDropout": 0.5}),
            alone(cell, "dropped-predicted", DROPS, training=False),
        ]
    hidden = {"zoneout": {"hidden": 0.25}}
    both_ways = {"bidirectional": True}
    without = {key: value for key, value in EVERYTHING.items() if key != "layerNorm"}
    cases += [
        alone("gru", "zoneout", hidden),
        alone("gru", "zoneout-predicted", hidden, training=False),
        alone("gru", "reset-before-everything-bidirectional", {"reset": "before"} | hidden | DROPS | both_ways),
        alone("gru", "everything-bidirectional", hidden | DROPS | both_ways, units=9),
        alone("rnn", "zoneout", hidden),
        alone("rnn", "relu-everything", {"activation": "relu"} | hidden | DROPS),
        alone("rnn", "everything-bidirectional", hidden | DROPS | both_ways),
        alone("lstm", "projection-peepholes-layer-norm", {"projection": 3, "peepholes": True, "layerNorm": True}),
        alone("lstm", "projection-zoneout-dropped", {"projection": 3, "zoneout": KEEP} | DROPS),
        alone("lstm", "everything-but-layer-norm", without | {"gateActivation": "hard_sigmoid"}),
        alone("lstm", "everything", EVERYTHING, units=18),
        alone("lstm", "everything-predicted", EVERYTHING, training=False),
        alone("lstm", "everything-full-length", EVERYTHING, lengths=[5] * 3),
        alone("lstm", "everything-coupled", EVERYTHING | {"coupledGates": True, "gateActivation": "hard_sigmoid_fifth"}),
        alone("lstm", "everything-bidirectional", EVERYTHING | both_ways),
        alone("lstm", "everything-projected-bidirectional", EVERYTHING | both_ways | {"projection": 3, "bias": False}),
    ]
    stack = [
        {"cell": "lstm", "units": 5, "projection": 3, "bidirectional": True, **EVERYTHING},
        {"cell": "gru", "units": 4, "reset": "before", **hidden, **DROPS},
        {"cell": "rnn", "units": 3, **hidden, **DROPS, "bidirectional": True},
    ]
    return [*cases, ("lstm-gru-rnn-everything", stack, {})]


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    save_cases("options", option_cases())

"""Writes the test vectors of optimisers, parameter groups, penalties and clipping, as PyTorch computes them in float64.

    pip install torch numpy safetensors
    python optimizers.py

Everything is rounded and stored as in `generate.py`, which this lies beside. One file, `optimizers.safetensors`:

    NAME                                            each parameter before the first step
    gradient.NAME [20, ...]                         of the loss alone, before penalties and clipping; the same in every case
    rows [20, 2]                                    the embeddings that each step has read, where the input is sparse
    CASE.NAME [2, ...]                              each parameter after 10 and after 20 steps

The metadata's `case` is JSON with the `input` and the rest of the model's definition, and the training options of each case.
"""

import math

import torch
from generate import rounded, save

STEPS = 20
SHAPES = {
    "embedding.weight": (5, 3),
    "layers.0.weight_ih_l0": (12, 3),
    "layers.0.weight_hh_l0": (12, 3),
    "layers.0.bias_ih_l0": (12,),
    "layers.0.bias_hh_l0": (12,),
    "layers.0.gain_gates_l0": (4, 3),
    "layers.0.gain_cell_l0": (3,),
    "layers.0.bias_cell_l0": (3,),
    "output.weight": (2, 3),
    "output.bias": (2,),
}
BIASES_AND_GAINS = [name for name in SHAPES if "bias" in name or "gain" in name]
WEIGHTS = [name for name in SHAPES if name not in BIASES_AND_GAINS]


def single(number):
    """A setting as the core has it: as float32, but for learning rates and the decays of means."""
    return rounded(torch.tensor(number, dtype=torch.float64)).item()


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)
                p.sub_(group["lr"] * (update + group["weight_decay"] * p))


def optimizer_of(options, groups, sparse):
    kind, betas = options["kind"], (options.get("beta1", 0.9), options.get("beta2", 0.999))
    epsilon = single(options.get("epsilon", 1e-8))
    match kind:
        case "sgd":
            momentum, dampening = single(options.get("momentum", 0.0)), single(options.get("dampening", 0.0))
            nesterov = options.get("nesterov", False)
            return torch.optim.SGD(groups, momentum=momentum, dampening=dampening, nesterov=nesterov)
        case "rmsprop":
            momentum, alpha = single(options.get("momentum", 0.0)), options.get("alpha", 0.99)
            return torch.optim.RMSprop(groups, alpha=alpha, eps=epsilon, momentum=momentum, centered=options.get("centered", False))
        case "adam" if sparse:
            for group in groups:
                group.pop("weight_decay")
            return torch.optim.SparseAdam(groups, betas=betas, eps=epsilon)
        case "adam":
            return torch.optim.Adam(groups, betas=betas, eps=epsilon, amsgrad=options.get("amsgrad", False))
        case "adamw":
            return torch.optim.AdamW(groups, betas=betas, eps=epsilon, amsgrad=options.get("amsgrad", False))
        case "lion":
            return Lion(groups, 0.0, (options.get("beta1", 0.9), options.get("beta2", 0.99)), 0.0)


def groups_of(options, parameters, names):
    """One group a parameter, by the rule of the core: decay of weights, unless a group says otherwise."""
    default = {"sgd": 1e-3, "rmsprop": 1e-2, "adam": 1e-3, "adamw": 1e-3, "lion": 1e-4}[options["kind"]]
    rate, groups = options.get("learningRate", default), []
    for name in names:
        weight_decay = options.get("weightDecay", 0.01 if options["kind"] == "adamw" else 0.0) if name in WEIGHTS else 0.0
        group = next((group for group in options.get("groups", []) if name in group["parameters"]), {})
        peak = rate["peak"] if isinstance(rate, dict) else rate
        learning_rate = peak * single(group.get("learningRateFactor", 1.0))
        weight_decay = single(group.get("weightDecay", weight_decay))
        if not group.get("frozen"):
            groups.append({"params": [parameters[name]], "lr": learning_rate, "weight_decay": weight_decay})
    return groups


def clip_adaptively(parameters, limit, least=1e-3):
    """Brock et al. 2021, with the units that the core has: rows of matrices, and vectors as a whole."""
    for p in parameters:
        dimensions = -1 if p.dim() > 1 else None
        norm = lambda tensor: torch.linalg.vector_norm(tensor, dim=dimensions, keepdim=True)
        most = limit * norm(p.detach()).clamp(min=least)
        p.grad = torch.where(norm(p.grad) > most, p.grad * most / norm(p.grad), p.grad)


def trained(options, start, gradients, rows):
    optimizer, sparse = options["optimizer"], rows is not None
    parameters = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    frozen = [name for group in optimizer.get("groups", []) if group.get("frozen") for name in group["parameters"]]
    moving = [name for name in SHAPES if name not in frozen]
    dense = groups_of(optimizer, parameters, [name for name in SHAPES if not sparse or name != "embedding.weight"])
    optimizers = [optimizer_of(optimizer, dense, False)]
    if sparse:
        optimizers.append(optimizer_of(optimizer, groups_of(optimizer, parameters, ["embedding.weight"]), True))
    schedulers = []
    if isinstance(optimizer.get("learningRate"), dict):
        peaks = [group["lr"] for group in optimizers[0].param_groups]
        schedulers = [torch.optim.lr_scheduler.OneCycleLR(optimizers[0], max_lr=peaks, total_steps=STEPS)]
    results = []
    for step in range(STEPS):
        for each in optimizers:
            each.zero_grad()
        l1, l2 = single(options.get("l1", 0.0)), single(options.get("l2", 0.0))
        if l1 or l2:
            # Keras's penalties.
            sum(l1 * parameters[name].abs().sum() + l2 * parameters[name].square().sum() for name in WEIGHTS).backward()
        for name in moving:
            p, gradient = parameters[name], gradients[name][step]
            p.grad = gradient.clone() if p.grad is None else p.grad + gradient
        clipped = [parameters[name] for name in moving]
        if "clipNorm" in options:
            torch.nn.utils.clip_grad_norm_(clipped, single(options["clipNorm"]))
        if "clipValue" in options:
            torch.nn.utils.clip_grad_value_(clipped, single(options["clipValue"]))
        if "clipAdaptive" in options:
            clip_adaptively(clipped, single(options["clipAdaptive"]))
        if sparse:
            table = parameters["embedding.weight"]
            table.grad = torch.sparse_coo_tensor(rows[step][None], table.grad[rows[step]], table.shape)
        for each in optimizers:
            each.step()
        for scheduler in schedulers:
            scheduler.step()
        if step + 1 in (STEPS // 2, STEPS):
            results.append({name: p.detach().clone() for name, p in parameters.items()})
    return {name: torch.stack([result[name] for result in results]) for name in SHAPES}


def cases():
    sgd, rmsprop = {"kind": "sgd", "learningRate": 0.05}, {"kind": "rmsprop", "learningRate": 0.02}
    adam, adamw, lion = ({"kind": kind, "learningRate": 0.02} for kind in ("adam", "adamw", "lion"))
    decay = {"weightDecay": 0.1}
    groups = [
        {"parameters": ["layers.0.weight_ih_l0", "layers.0.bias_ih_l0"], "learningRateFactor": 0.3},
        {"parameters": ["output.weight", "output.bias"], "weightDecay": 0.2, "learningRateFactor": 2},
        {"parameters": ["embedding.weight"], "frozen": True},
    ]
    one_cycle = {"learningRate": {"schedule": "one-cycle", "peak": 0.05}}
    optimizers = {
        "sgd": sgd,
        "sgd-default": {"kind": "sgd"},
        "sgd-decay": sgd | decay,
        "sgd-momentum": sgd | {"momentum": 0.9},
        "sgd-dampening": sgd | {"momentum": 0.9, "dampening": 0.5} | decay,
        "sgd-nesterov": sgd | {"momentum": 0.9, "nesterov": True} | decay,
        "sgd-groups": sgd | {"momentum": 0.5, "groups": groups} | decay,
        "sgd-one-cycle": sgd | {"momentum": 0.9} | one_cycle,
        "rmsprop": rmsprop,
        "rmsprop-default": {"kind": "rmsprop"},
        "rmsprop-alpha": rmsprop | {"alpha": 0.9, "epsilon": 1e-4} | decay,
        "rmsprop-momentum": rmsprop | {"momentum": 0.9},
        "rmsprop-centered": rmsprop | {"centered": True, "epsilon": 1e-3},
        "rmsprop-centered-momentum": rmsprop | {"centered": True, "epsilon": 1e-3, "momentum": 0.5} | decay,
        "rmsprop-groups": rmsprop | {"groups": groups} | decay,
        "adam": adam,
        "adam-default": {"kind": "adam"},
        "adam-decay": adam | {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4} | decay,
        "adam-amsgrad": adam | {"beta2": 0.9, "amsgrad": True},
        "adam-groups": adam | {"groups": groups} | decay,
        "adam-one-cycle": adam | one_cycle,
        "adamw": adamw,
        "adamw-default": {"kind": "adamw"},
        "adamw-decay": adamw | {"weightDecay": 0.5},
        "adamw-amsgrad": adamw | {"amsgrad": True, "beta2": 0.9} | decay,
        "adamw-groups": adamw | {"groups": groups} | decay,
        "adamw-one-cycle": adamw | one_cycle | decay,
        "lion": lion,
        "lion-default": {"kind": "lion"},
        "lion-decay": lion | {"beta1": 0.95, "beta2": 0.98} | {"weightDecay": 1.0},
        "lion-groups": lion | {"groups": groups} | decay,
    }
    named = {name: {"optimizer": optimizer} for name, optimizer in optimizers.items()}
    named |= {
        "clip-norm": {"optimizer": sgd, "clipNorm": 3.0},
        "clip-norm-groups": {"optimizer": sgd | {"groups": groups}, "clipNorm": 3.0},
        "clip-value": {"optimizer": sgd, "clipValue": 0.5},
        "clip-adaptive": {"optimizer": sgd, "clipAdaptive": 0.5},
        "clip-adaptive-groups": {"optimizer": adam | {"groups": groups}, "clipAdaptive": 0.5},
        "l1": {"optimizer": sgd, "l1": 0.3},
        "l2": {"optimizer": adam, "l2": 0.3},
        "l1-l2-clip-norm": {"optimizer": sgd | decay, "l1": 0.2, "l2": 0.3, "clipNorm": 3.0},
        "l1-l2-clip-value": {"optimizer": sgd, "l1": 0.2, "l2": 0.3, "clipValue": 0.5},
        "l1-l2-clip-adaptive": {"optimizer": adamw, "l1": 0.2, "l2": 0.3, "clipAdaptive": 0.5},
        "sparse-sgd": {"optimizer": sgd, "clipNorm": 3.0, "sparse": True},
        "sparse-adam": {"optimizer": adam | {"epsilon": 1e-3}, "clipNorm": 3.0, "sparse": True},
        "sparse-adam-clip-adaptive": {"optimizer": adam | {"epsilon": 1e-3}, "clipAdaptive": 0.5, "sparse": True},
    }
    return named


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(80)
    start = {name: rounded(torch.randn(shape)) for name, shape in SHAPES.items()}
    # From tiny to large, some of them zero; of each number all of about the same size, as they are in training.
    gradients = {}
    for name, shape in SHAPES.items():
        size = 10 ** (2 * torch.rand(shape) - 1.5)
        gradient = (torch.randn(STEPS, *shape) + 0.3 * torch.randn(shape)) * size * (torch.rand(STEPS, *shape) > 0.1)
        gradients[name] = rounded(gradient)
    rows = torch.tensor([sorted({step % 5, (step + 1 + step % 3) % 5}) for step in range(STEPS)])
    read = torch.zeros(STEPS, 5, 1).scatter_(1, rows[..., None], 1.0)
    results, table = {}, []
    for name, options in cases().items():
        options = dict(options)
        sparse = options.pop("sparse", False)
        given = gradients | {"embedding.weight": gradients["embedding.weight"] * read} if sparse else gradients
        results |= {f"{name}.{key}": value for key, value in trained(options, start, given, rows if sparse else None).items()}
        table.append({"name": name, "sparse": sparse, "options": options})
        moved = math.sqrt(sum(float((results[f"{name}.{key}"][1] - start[key]).square().sum()) for key in SHAPES))
        print(f"{name}: moved by {moved:.3f}")
    rest = {"layers": [{"cell": "lstm", "units": 3, "layerNorm": True}], "output": {"values": 2}}
    inputs = start | {f"gradient.{name}": value for name, value in gradients.items()} | {"rows": rows}
    save("optimizers", inputs, results, {"input": {"tokens": 5, "embedding": 3}, **rest, "cases": table})

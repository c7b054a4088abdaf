"""Writes the test vectors of training runs that go on: PyTorch trains a small classifier, its weights and its optimiser's
`state_dict()` are stored, and it goes on for ten steps.

    pip install torch numpy safetensors
    python optimizer_state.py

Everything is rounded and stored as in `generate.py`, which this lies beside; the settings of optimisers are PyTorch's own, in
float64. One file, `optimizer-state.safetensors`:

    x [16, steps, features]; targets [16]           two batches of eight, always in this order
    CASE.weight.NAME                                the parameters after twenty steps, by Gatewise's names
    CASE.state.ID.SLOT                              the optimiser's state then, as `state_dict()["state"]` has it
    CASE.losses [10]                                of each of the next ten steps' batches, before the step
    CASE.after.weight.NAME, CASE.after.state.ID.SLOT    parameters and state after those

The metadata's `case` is JSON with the `definition`, and of each case its name, Gatewise's `optimizer`, PyTorch's
`param_groups`, and the `order` in which PyTorch's was given the parameters, by Gatewise's names: IDs are places in it.
"""

import torch
from generate import rounded, save
from torch import nn

STEPS, FEATURES, UNITS, CLASSES, BATCH = 6, 3, 5, 3, 8
BEFORE, AFTER = 20, 10


class Classifier(nn.Module):
    """Two layers and a head on the last step, as people write it."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(FEATURES, UNITS, num_layers=2, batch_first=True)
        self.head = nn.Linear(UNITS, CLASSES)

    def forward(self, x):
        return self.head(self.rnn(x)[1][0][-1])


def gatewise_name(name):
    if name.startswith("head."):
        return name.replace("head.", "output.")
    parameter, layer = name.removeprefix("rnn.").rsplit("_l", 1)
    return f"layers.{layer}.{parameter}_l0"


def cases(model):
    """Each optimiser, and what Gatewise has to be told for the same one."""
    weights = list(model.parameters())
    body, head = weights[:8], weights[8:]
    every = {"parameters": ["*"]}
    # Other parameters first: the state's numbers are those of this order.
    groups = [{"params": head, "lr": 0.03, "weight_decay": 0.0}, {"params": body}]
    return {
        "adam": (torch.optim.Adam(weights, lr=0.01), {"kind": "adam", "learningRate": 0.01}),
        "adam-decay": (
            torch.optim.Adam(weights, lr=0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.1),
            {"kind": "adam", "learningRate": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-4, "groups": [every | {"weightDecay": 0.1}]},
        ),
        "adamw": (
            torch.optim.AdamW(weights, lr=0.01, weight_decay=0.3),
            {"kind": "adamw", "learningRate": 0.01, "groups": [every | {"weightDecay": 0.3}]},
        ),
        "adamw-groups": (
            torch.optim.AdamW(groups, lr=0.01, weight_decay=0.3),
            {
                "kind": "adamw",
                "learningRate": 0.01,
                "groups": [
                    {"parameters": ["output.*"], "learningRateFactor": 3, "weightDecay": 0},
                    {"parameters": ["layers.*"], "weightDecay": 0.3},
                ],
            },
        ),
        "amsgrad": (
            torch.optim.Adam(weights, lr=0.02, betas=(0.9, 0.9), amsgrad=True),
            {"kind": "adam", "learningRate": 0.02, "beta2": 0.9, "amsgrad": True},
        ),
        "sgd-momentum": (
            torch.optim.SGD(weights, lr=0.3, momentum=0.9, dampening=0.5),
            {"kind": "sgd", "learningRate": 0.3, "momentum": 0.9, "dampening": 0.5},
        ),
        "sgd-nesterov": (
            torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
            {"kind": "sgd", "learningRate": 0.1, "momentum": 0.9, "nesterov": True, "groups": [every | {"weightDecay": 0.01}]},
        ),
        "rmsprop": (
            torch.optim.RMSprop(weights, lr=0.003, alpha=0.9, momentum=0.5, centered=True, eps=1e-3),
            {"kind": "rmsprop", "learningRate": 0.003, "alpha": 0.9, "momentum": 0.5, "centered": True, "epsilon": 1e-3},
        ),
    }


def train(model, optimizer, x, targets, steps):
    losses = []
    for step in range(steps):
        batch = slice(BATCH * (step % 2), BATCH * (step % 2) + BATCH)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), targets[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def round_all(model, optimizer):
    """From here on PyTorch has the very numbers that are stored."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(rounded(parameter))
            kept = optimizer.state[parameter]
            for slot, value in kept.items():
                if torch.is_tensor(value) and slot != "step":
                    kept[slot] = rounded(value)


def tensors(case, model, optimizer):
    named = {f"{case}.weight.{gatewise_name(name)}": value.detach().clone() for name, value in model.named_parameters()}
    for index, kept in optimizer.state_dict()["state"].items():
        for slot, value in kept.items():
            if value is not None:
                named[f"{case}.state.{index}.{slot}"] = torch.as_tensor(value).clone()
    return named


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(90)
    targets = torch.arange(2 * BATCH) % CLASSES
    x = rounded(torch.randn(2 * BATCH, STEPS, FEATURES) + 0.5 * targets[:, None, None])
    start = Classifier().state_dict()
    inputs, results, table = {"x": x, "targets": targets}, {}, []
    names = [gatewise_name(name) for name in start]
    for case in cases(Classifier()):
        model = Classifier()
        model.load_state_dict(start)
        optimizer, options = cases(model)[case]
        before = train(model, optimizer, x, targets, BEFORE)
        round_all(model, optimizer)
        inputs |= tensors(case, model, optimizer)
        # The order in which the optimiser was given the parameters.
        of = {id(parameter): gatewise_name(name) for name, parameter in model.named_parameters()}
        order = [of[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]
        groups = optimizer.state_dict()["param_groups"]
        results[f"{case}.losses"] = train(model, optimizer, x, targets, AFTER)
        results |= {name.replace(".", ".after.", 1): value for name, value in tensors(case, model, optimizer).items()}
        table.append({"name": case, "optimizer": options, "order": order, "param_groups": groups})
        print(f"{case}: {before[0]:.4f}, {results[f'{case}.losses'][0]:.4f}, {results[f'{case}.losses'][-1]:.4f}")
    definition = {
        "input": {"features": FEATURES},
        "layers": [{"cell": "lstm", "units": UNITS}] * 2,
        "output": {"classes": [str(index) for index in range(CLASSES)]},
    }
    save("optimizer-state", inputs, results, {"definition": definition, "cases": table})

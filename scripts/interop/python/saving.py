"""Files of a model, in all the ways in which people save them. A plan's `file` (drawing.py) says which:

    form      "pt" (the zip archive of torch.save), "pt legacy" (the format before it) or "safetensors"
    type      of the numbers: "f32", "f64", "f16", "bf16"
    inside    "state dict"; the name of the model in a checkpoint that has an optimizer beside it; or "parameters", a dictionary of
              nn.Parameter, which torch.save writes in another way than tensors
    prefix    what wrappers put before names: "module.", "_orig_mod."
    storage   of tensors: "own", "one for all" (all are views of one vector), "transposed", "strided" (every other number), or "mixed"
"""

import random
from collections import OrderedDict

import torch
from safetensors.torch import save_file, save_model
from torch import nn

from models import TYPES


def state_of(model, file):
    """The state dict as the file holds it: names with their prefix, numbers of the type, in storages of the kind."""
    dtype, seen, state = TYPES[file["type"]], {}, OrderedDict()
    for name, tensor in model.tree.state_dict().items():
        # What is shared stays shared.
        tensor = seen.setdefault(tensor.data_ptr(), tensor.detach().to(dtype, copy=True))
        state[file["prefix"] + name] = tensor
    return state


def stored(state, kind, seed):
    """The same numbers in other storages."""
    if kind == "one for all":
        return in_one(state)
    draw, seen = random.Random(seed), {}
    for name, tensor in state.items():
        one = draw.choice(["own", "transposed", "strided"]) if kind == "mixed" else kind
        seen.setdefault(id(tensor), STORED[one](tensor))
        state[name] = seen[id(tensor)]
    return state


def in_one(state):
    tensors = {id(tensor): tensor for tensor in state.values()}
    numbers, views, offset = torch.cat([torch.zeros(3, dtype=t.dtype) for t in list(tensors.values())[:1]] + [t.flatten() for t in tensors.values()]), {}, 3
    for key, tensor in tensors.items():
        views[key] = numbers[offset : offset + tensor.numel()].view(tensor.shape)
        offset += tensor.numel()
    return OrderedDict((name, views[id(tensor)]) for name, tensor in state.items())


def transposed(tensor):
    return tensor.t().contiguous().t() if tensor.dim() == 2 else tensor


def strided(tensor):
    """Every other number of a storage that begins with one of another's, rows apart."""
    wide = torch.full((*tensor.shape[:-1], 2 * tensor.shape[-1] + 1), 7.0, dtype=tensor.dtype)
    view = wide[..., 1::2]
    view.copy_(tensor)
    return view


STORED = {"own": lambda tensor: tensor, "transposed": transposed, "strided": strided}


def checkpoint(name, state, model):
    """What training loops save: an optimizer that has made a step stands beside the model."""
    dtype = next(iter(state.values())).dtype
    parameters = [nn.Parameter(p.detach().to(dtype, copy=True)) for p in model.tree.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    return {"epoch": 3, name: state, "optimizer": optimizer.state_dict(), "losses": [1.5, 0.25], "args": {"lr": 1e-3, "cell": "lstm", "out": None}}


def save(model, path, seed):
    file = model.plan["file"]
    state = state_of(model, file)
    if file["form"] == "safetensors":
        save_safetensors(model, state, path)
        return
    state = stored(state, file["storage"], seed)
    inside = file["inside"]
    if inside == "parameters":
        shared = {}
        value = {name: shared.setdefault(id(tensor), nn.Parameter(tensor)) for name, tensor in state.items()}
    elif inside == "state dict":
        value = state
    else:
        value = checkpoint(inside, state, model)
    torch.save(value, path, _use_new_zipfile_serialization=file["form"] == "pt")


def save_safetensors(model, state, path):
    """`save_file` takes no tensor twice: `save_model` leaves out what is there under another name."""
    if not model.plan["output"]["tied"]:
        save_file(state, path)
        return
    wrapped = nn.Module()
    for name, tensor in state.items():
        *above, last = name.split(".")
        parent = wrapped
        for step in above:
            if not hasattr(parent, step):
                parent.add_module(step, nn.Module())
            parent = getattr(parent, step)
        parent.register_buffer(last, tensor)
    save_model(wrapped, path)

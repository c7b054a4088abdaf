"""Random models of PyTorch's, saved in all the ways in which people save them, with what they compute in float64.

    pip install -r bench/peers/requirements.txt
    python generate.py --out FOLDER [--cases N] [--seed S]     every kind of module in every form, then N random models
    python generate.py --vectors FOLDER                        the committed cases: some twenty small ones

Writes NNN.pt (or NNN.safetensors) for each model, and `cases.safetensors`, which has of each case `NNN/x` [n, steps, features],
`NNN/tokens` [n, steps], `NNN/lengths` [n] and `NNN/y`, what `Model.run` has to give: probabilities of classes or labels, or values;
with an output at each step, zero in the padding. y is computed from those weights that the file holds.

Its metadata's `made` is JSON: `torch`, the version that computed it, and `cases`, a list of

    name, file     of the case
    plan           what has been drawn (drawing.py)
    hints          what has to be said of it
    map            where modules belong. It may be asked for where `open` says so: several modules could then stand in several places
    definition     that has to be found

The same seed gives the same models with the same version of PyTorch.
"""

import argparse
import json
from pathlib import Path

import torch
from drawing import drawn, matrix
from models import Model, inputs_of
from safetensors.torch import save_file
from saving import save

# As large as they may be without much of a file.
VECTORS = {"cases": 22, "seed": 5, "most": 6}


def names_of(output):
    """The hint about the output: what its numbers mean, and from which steps they come."""
    numbers = output["numbers"]
    named = [f"{output['kind']} {k}" for k in range(numbers)]
    return {output["kind"]: numbers if output["kind"] == "values" else named, "at": output["at"]}


def hints_of(plan):
    hints = {"output": names_of(plan["output"])}
    given = plan["input"]
    asked = {"features": given["features"]} if "features" in given and "tokens" in given else {}
    asked |= {"padding": given["padding"]} if "padding" in given else {}
    if asked:
        hints["input"] = asked
    layers = [{"activation": part["activation"]} if "activation" in part else {} for part in plan["modules"] for _ in range(part["layers"])]
    if any(layers):
        hints["layers"] = layers
    return hints


def map_of(plan):
    names, places, layer = plan["names"], {}, 0
    if "tokens" in plan["input"]:
        places[names["embedding"]] = "embedding"
    for name, norm, part in zip(names["rnns"], names["norms"], plan["modules"]):
        if part["norm"]:
            places[norm] = f"layers.{layer}.norm"
        if part["cells"]:
            places |= {f"{name}.{k}": f"layers.{layer + k}" for k in range(part["layers"])}
        else:
            places[name] = f"layers.{layer}"
        layer += part["layers"]
    if plan["output"]["norm"]:
        places[names["output_norm"]] = "output.norm"
    return {plan["file"]["prefix"].replace("module.", "").replace("_orig_mod.", "") + name: place for name, place in (places | {names["head"]: "output"}).items()}


def is_open(plan):
    """Whether names and sizes may fit in several ways: several modules, norms, or a head that could be an embedding, which has no bias either."""
    norms = plan["output"]["norm"] or any(part["norm"] for part in plan["modules"])
    return len(plan["modules"]) > 1 or norms or not plan["output"]["bias"]


def definition_of(plan):
    layers = []
    for part in plan["modules"]:
        layer = {key: part[key] for key in ("cell", "units", "bidirectional")}
        layer |= {} if part["bias"] else {"bias": False}
        layer |= {"projection": part["projection"]} if "projection" in part else {}
        layer |= {"activation": "relu"} if part.get("activation") == "relu" else {}
        of_module = [dict(layer) for _ in range(part["layers"])]
        if part["norm"]:
            of_module[0]["inputNorm"] = True
        layers += of_module
    output = names_of(plan["output"])
    if output["at"] == "last":
        del output["at"]
    output |= {key: True for key in ("norm", "tied") if plan["output"][key]}
    return {"input": plan["input"], "layers": layers, "output": output}


def generate(folder, plans, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.pt"), *folder.glob("*.safetensors")]:
        old.unlink()
    tensors, cases = {}, []
    for index, plan in enumerate(plans):
        name, form = f"{index:03}", plan["file"]["form"]
        file = f"{name}.{'safetensors' if form == 'safetensors' else 'pt'}"
        model = Model(plan, seed * 100_003 + index)
        model.round_to(plan["file"]["type"])
        data = inputs_of(plan, seed * 100_003 + index)
        y = model(data)
        assert y.isfinite().all(), name
        save(model, folder / file, index)
        tensors |= {f"{name}/{key}": value for key, value in (data | {"y": y}).items()}
        case = {"name": name, "file": file, "plan": plan, "hints": hints_of(plan), "map": map_of(plan), "open": is_open(plan)}
        cases.append(case | {"definition": definition_of(plan)})
    # One key: the order of several is another in every run.
    made = {"torch": torch.__version__, "cases": cases}
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / "cases.safetensors", {"made": json.dumps(made)})
    for file in folder.iterdir():
        file.chmod(0o644)
    print(f"{len(cases)} models in {folder.name}, PyTorch {torch.__version__}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.vectors:
        generate(arguments.vectors, drawn(VECTORS["seed"], VECTORS["cases"], VECTORS["most"]), VECTORS["seed"])
    if arguments.out:
        seed = arguments.seed
        generate(arguments.out, [*matrix(seed), *drawn(seed, arguments.cases, 40)], seed)

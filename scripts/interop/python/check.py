"""Loads models that this package has written, and runs them.

    python check.py FOLDER

Reads `cases.json` of the folder, a list of { name, file, definition, steps }, the `NAME.inputs.pt` of each, and the file: a `.pt` by
torch.load(weights_only=True), else safetensors. Builds the modules of the definition (definitions.py), which take the state
dict with `strict=True`. Writes `y.safetensors`, of each case `NAME/y` in float64, and each module's own state dict as `NAME.back.pt`.
Prints the cases that failed, as JSON: { name: why }.
"""

import json
import sys
from pathlib import Path

import torch
from definitions import FromDefinition
from safetensors.torch import load_file, save_file


def load(path):
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)


def check(folder, case):
    model = FromDefinition(case["definition"])
    model.tree.float()
    model.tree.load_state_dict(load(folder / case["file"]), strict=True)
    torch.save(model.tree.state_dict(), folder / f"{case['name']}.back.pt")
    model.tree.double()
    data = torch.load(folder / f"{case['name']}.inputs.pt", weights_only=True)
    return model(data, data.pop("lengths"), case["steps"])


def main(folder):
    torch.set_num_threads(1)
    outputs, failed = {}, {}
    for case in json.loads((folder / "cases.json").read_text()):
        try:
            outputs[f"{case['name']}/y"] = check(folder, case).contiguous()
        except Exception as error:
            failed[case["name"]] = f"{type(error).__name__}: {error}"
    save_file(outputs, folder / "y.safetensors", {"torch": torch.__version__})
    json.dump(failed, sys.stdout)


main(Path(sys.argv[1]))

"""Writes ONNX's own backend test vectors of LSTM, GRU and RNN beside it, as safetensors.

    pip install onnx==1.23.2 safetensors
    python generate.py

The package onnx brings no files of them: it computes them, each after numpy's random numbers were seeded with 0, when
its test cases are collected. Each file is a case under its own name: the node's inputs and outputs under the names that the
operator's specification gives them (X, W, R, B, sequence_lens, initial_h, initial_c, P; Y, Y_h, Y_c), as ONNX lays them out.
The metadata hold the operator, the node's attributes as JSON, and the version of onnx.
"""

import json
import warnings
from pathlib import Path

import onnx
from onnx.backend.test.case.node import collect_testcases
from safetensors.numpy import save_file

HERE = Path(__file__).parent
OPERATORS = ("LSTM", "GRU", "RNN")


def attributes(node):
    found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}


def cases():
    with warnings.catch_warnings():
        # Other operators' cases overflow on purpose.
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    for case in found:
        nodes = case.model.graph.node if case.model else []
        if len(nodes) == 1 and nodes[0].op_type in OPERATORS:
            yield case.name, nodes[0], case.data_sets


if __name__ == "__main__":
    for name, node, data_sets in cases():
        [(inputs, outputs)] = data_sets
        names = [*filter(None, node.input), *filter(None, node.output)]
        tensors = dict(zip(names, [*inputs, *outputs], strict=True))
        metadata = {
            "operator": node.op_type,
            "attributes": json.dumps(attributes(node)),
            "onnx": onnx.__version__,
        }
        save_file(tensors, HERE / f"{name}.safetensors", metadata=metadata)
        print(name, {key: tensor.shape for key, tensor in tensors.items()})

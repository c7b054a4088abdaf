"""Draws what a model of PyTorch's is like, as a plan: plain data, from a seed. Knows no tensors.

    input     {"features"} numbers a step, {"tokens", "embedding", "padding"?} tokens, or both: numbers first, then the embedding
    modules   from the input upwards: {"cell", "cells", "units", "layers", "bidirectional", "bias", "projection"?, "activation"?,
              "batch_first", "norm"}; `cells` is a loop over nn.LSTMCell and its like, `norm` an nn.LayerNorm before the module
    output    {"kind", "numbers", "at", "bias", "norm", "tied"}
    names     what the user calls the modules
    file      {"form", "type", "inside", "prefix", "storage"}: see saving.py
    lengths, steps    of the batch
"""

import random

FORMS = ["pt", "pt legacy", "safetensors"]
TYPES = ["f32", "f64", "f16", "bf16"]
INSIDE = ["state dict", "model", "state_dict", "model_state_dict", "parameters"]
PREFIXES = ["", "module.", "_orig_mod.", "module._orig_mod.", "model."]
STORAGES = ["own", "one for all", "transposed", "strided", "mixed"]

RNN_NAMES = ["rnn", "lstm", "encoder", "net.recurrent", "backbone.rnn"]
LIST_NAMES = ["rnn{}", "rnns.{}", "encoder.lstm{}", "layers_{}"]
HEAD_NAMES = ["fc", "head", "linear", "classifier.out", "hidden2tag"]
EMBEDDING_NAMES = ["embedding", "emb", "word_embeddings", "source.embed", "lookup"]

# Two numbers that are normalised are 1 and -1 whatever they were: rounding would decide which.
SMALLEST_NORM = 5


class Drawing:
    def __init__(self, seed, most):
        self.random, self.most = random.Random(seed), most

    def chance(self, probability):
        return self.random.random() < probability

    def size(self, most=None):
        """Small ones as often as large ones, odd ones as often as even ones."""
        most = most or self.most
        return self.random.randint(1, most if self.chance(0.5) else min(most, 9))

    def module(self, index):
        cell = ["lstm", "gru", "rnn"][(index // 3 + self.random.randrange(2)) % 3]
        cells = self.chance(0.2)
        units = self.size()
        module = {"cell": cell, "cells": cells, "units": units, "layers": self.random.randint(1, 3), "bias": not self.chance(0.25)}
        module["bidirectional"] = not cells and self.chance(0.5)
        module["batch_first"] = self.chance(0.7)
        if cell == "lstm" and not cells and units > 1 and self.chance(0.35):
            module["projection"] = self.random.randint(1, units - 1)
        if cell == "rnn":
            module["activation"] = self.random.choice(["tanh", "relu"])
        return module

    def input(self):
        given = {}
        if self.chance(0.7):
            given["features"] = self.size()
        if not given or self.chance(0.25):
            given |= {"tokens": self.random.randint(2, 30), "embedding": self.size()}
            if self.chance(0.4):
                given["padding"] = self.random.randrange(given["tokens"])
        return given

    def plan(self, index, file):
        given, count = self.input(), self.random.choice([1, 1, 1, 2, 3])
        modules, width = [], given.get("features", 0) + given.get("embedding", 0)
        for k in range(count):
            modules.append(self.module(index + 3 * k) | {"norm": width >= SMALLEST_NORM and self.chance(0.2)})
            width = outputs_of(modules[-1])
        plan = self.plan_of(given, modules, file)
        plan["output"]["norm"] = width >= SMALLEST_NORM and self.chance(0.25)
        return plan

    def plan_of(self, given, modules, file):
        output = {
            "kind": self.random.choice(["classes", "labels", "values"]),
            "numbers": self.random.randint(2, 7),
            "at": self.random.choice(["last", "last", "each", "each", "mean", "max"]),
            "bias": not self.chance(0.2),
            "norm": False,
            "tied": False,
        }
        if "tokens" in given and self.chance(0.5) and self.tie(given, modules):
            output |= {"tied": True, "kind": "classes", "numbers": given["tokens"]}
        lengths = [self.random.randint(1, 9) for _ in range(self.random.randint(1, 5))]
        return {
            "input": given, "modules": modules, "output": output, "names": self.names(modules), "file": file,
            "lengths": lengths, "steps": max(lengths) + self.random.randrange(2),
        }

    def tie(self, given, modules):
        """Embeddings as large as what the head reads, where nothing else depends on their size."""
        if modules[0]["norm"] and outputs_of(modules[-1]) < SMALLEST_NORM:
            return False
        given["embedding"] = outputs_of(modules[-1])
        return True

    def names(self, modules):
        of_list = self.random.choice(LIST_NAMES)
        rnns = [of_list.format(k) for k in range(len(modules))] if len(modules) > 1 else [self.random.choice(RNN_NAMES)]
        names = {"rnns": rnns, "head": self.random.choice(HEAD_NAMES), "embedding": self.random.choice(EMBEDDING_NAMES)}
        return names | {"norms": [f"norm{k}" for k in range(len(modules))], "output_norm": "ln_f"}


def outputs_of(module):
    return module.get("projection", module["units"]) * (2 if module["bidirectional"] else 1)


def kinds():
    """Every kind of module that the conversion table has a row of."""
    for cell in ["lstm", "gru", "rnn"]:
        plain = {"cell": cell, "cells": False, "units": 11, "layers": 1, "bias": True, "bidirectional": False, "batch_first": True, "norm": False}
        plain |= {"activation": "tanh"} if cell == "rnn" else {}
        for bidirectional in [False, True]:
            module = plain | {"bidirectional": bidirectional}
            yield module
            yield module | {"layers": 3}
            yield module | {"bias": False}
            yield module | {"norm": True}
            if cell == "lstm":
                yield module | {"projection": 5}
            if cell == "rnn":
                yield module | {"activation": "relu"}
        yield plain | {"cells": True}


def matrix(seed):
    """Every kind of module in every form of file, alone."""
    drawing = Drawing(seed, most=20)
    for form in FORMS:
        for module in kinds():
            yield drawing.plan_of({"features": 7}, [module], file_of(drawing, form, "f32"))


def drawn(seed, count, most):
    """Random plans: what files are like goes round, so that some twenty of them have everything at least once."""
    drawing = Drawing(seed, most)
    for index in range(count):
        form, number_type = FORMS[index % 3], TYPES[index % 4]
        yield drawing.plan(index, file_of(drawing, form, number_type, index))


def file_of(drawing, form, number_type, index=None):
    pick = lambda choices: drawing.random.choice(choices) if index is None else choices[index % len(choices)]
    # Lists of five do not go round with the three forms and the four types.
    file = {"form": form, "type": number_type, "inside": "state dict", "prefix": pick(PREFIXES), "storage": "own"}
    # safetensors has one state dict a file, and each tensor by itself.
    if form != "safetensors":
        file |= {"inside": drawing.random.choice(INSIDE), "storage": pick(STORAGES)}
    return file

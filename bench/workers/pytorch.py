"""PyTorch, and Opacus with it, as a worker of the benchmark: the protocol is bench/workers/protocol.ts.

Every operation has PyTorch's own fast form: time-major input, one `nn.LSTM` of all layers and directions (oneDNN takes it
over where it can), `inference_mode`, packed sequences for ragged batches, and the fastest of Adam's three variants.
Tensors are made before anything is timed.
"""

import json
import os
import sys
import time

import numpy
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

CHECKED_STEPS = 4
LEARNING_RATE, BETAS, EPSILON, CLIP_NORM = 0.001, (0.9, 0.999), 1e-8, 1.0


class Classifier(nn.Module):
    """Recurrent layers, the final hidden states of the last one or what `at` says instead, a linear head.

    Reads [T, B, I], or [T, B] tokens, and gives [B, K]; at each step [T·B, K].
    """

    MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}

    def __init__(self, shape, classes):
        super().__init__()
        layer = dict(shape["layer"])
        cell, bias, projection = layer.pop("cell"), layer.pop("bias", True), layer.pop("projection", 0)
        own = {"nonlinearity": layer.pop("activation", "tanh")} if cell == "rnn" else {}
        if layer:
            raise ValueError(f"PyTorch's {cell} has no {', '.join(layer)}")
        options = {"num_layers": shape["layers"], "bidirectional": shape["bidirectional"], "bias": bias}
        if projection:
            own["proj_size"] = projection
        self.add_input(shape)
        self.rnn = self.MODULES[cell](shape["features"], shape["units"], **options, **own)
        directions = 2 if shape["bidirectional"] else 1
        self.directions = directions
        self.output = nn.Linear(directions * (projection or shape["units"]), classes)
        self.add_output(shape)

    def add_input(self, shape):
        given = dict(shape.get("input", {}))
        tokens, sparse = given.pop("tokens", None), given.pop("sparse", False)
        if given:
            raise ValueError(f"this worker has no {', '.join(given)}")
        self.embedding = nn.Embedding(tokens, shape["features"], sparse=sparse) if tokens else None

    def add_output(self, shape):
        given = dict(shape.get("output", {}))
        given.pop("classes", None)
        self.at, self.tied = given.pop("at", "last"), given.pop("tied", False)
        if given or self.at not in ("last", "each", "mean", "max") or (self.at != "last" and shape["ragged"]):
            raise ValueError(f"this worker has no such output: {shape['output']}")
        if self.tied:
            self.output.weight = self.embedding.weight

    def forward(self, x):
        hidden, states = self.rnn(x if self.embedding is None else self.embedding(x))  # [T, B, H], [layers * directions, B, H]
        if self.at == "each":
            return self.output(hidden).flatten(0, 1)
        if self.at == "mean":
            return self.output(hidden.mean(dim=0))
        if self.at == "max":
            return self.output(hidden.amax(dim=0))
        h_n = states[0] if isinstance(states, tuple) else states
        last = h_n[-1] if self.directions == 1 else torch.cat((h_n[-2], h_n[-1]), dim=1)
        return self.output(last)

    def load(self, path):
        tensors = dict(renamed(load_file(path)))
        if self.tied:
            tensors["output.weight"] = tensors["embedding.weight"]
        self.load_state_dict(tensors)
        return self


def renamed(tensors):
    """Our names to PyTorch's: `layers.1.weight_ih_l0_reverse` is `rnn.weight_ih_l1_reverse`."""
    for name, value in tensors.items():
        yield pytorch_name(name), value


def pytorch_name(name):
    if not name.startswith("layers."):
        return name
    _, layer, rest = name.split(".")
    return "rnn." + rest.replace("_l0", f"_l{layer}")


def our_name(name):
    if not name.startswith("rnn."):
        return name
    kind, layer, *reverse = name.removeprefix("rnn.").rsplit("_l", 1)[0], *name.rsplit("_l", 1)[1].split("_", 1)
    return f"layers.{layer}.{kind}_l0" + ("_reverse" if reverse else "")


class Data:
    """The job's batches as PyTorch wants them: time-major, ragged ones sorted by falling length and packed.

    x is [T, B, I] or tokens [T, B]; targets are [B], or at each step [T·B].
    """

    def __init__(self, job):
        shape, files = job["shape"], job["data"]
        batches, batch = files["batches"], shape["batch"]
        if files["tokens"]:
            tokens = numpy.fromfile(files["tokens"], dtype="<u4").reshape(batches, batch, shape["steps"])
            x = tokens.astype("int64")
        else:
            x = numpy.fromfile(files["x"], dtype="<f4").reshape(batches, batch, shape["steps"], shape["features"])
        targets = numpy.fromfile(files["targets"], dtype="<u4").reshape(batches, batch, -1)
        lengths = files["lengths"] and numpy.fromfile(files["lengths"], dtype="<u4").reshape(batches, batch)
        self.batches = []
        for index in range(batches):
            order = numpy.argsort(-lengths[index].astype(int), kind="stable") if lengths is not None else None
            rows = x[index] if order is None else x[index][order]
            time_major = torch.from_numpy(rows.swapaxes(0, 1).copy())
            target = targets[index] if order is None else targets[index][order]
            if order is not None:
                sorted_lengths = torch.from_numpy(lengths[index][order].astype("int64"))
                time_major = pack_padded_sequence(time_major, sorted_lengths, enforce_sorted=True)
            self.batches.append((time_major, torch.from_numpy(target.T.flatten().astype("int64")), order))
        self.next = 0

    def first(self):
        return self.batches[0]

    def take(self):
        x, target, _ = self.batches[self.next]
        self.next = (self.next + 1) % len(self.batches)
        return x, target


class Inference:
    def __init__(self, job):
        self.model = Classifier(job["shape"], job["classes"]).load(job["model"]).eval()
        self.x, _, self.order = Data(job).first()

    def run(self):
        with torch.inference_mode():
            return torch.softmax(self.model(self.x), dim=1)

    def check(self):
        probabilities = self.run().numpy()
        if self.order is not None:
            unsorted = numpy.empty_like(probabilities)
            unsorted[self.order] = probabilities
            probabilities = unsorted
        return {"probabilities": probabilities}


class Gradients:
    """Loss and the gradient of every parameter; the input has none."""

    def __init__(self, job):
        self.model = Classifier(job["shape"], job["classes"]).load(job["model"])
        self.x, self.target, _ = Data(job).first()

    def run(self):
        self.model.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(self.model(self.x), self.target)
        loss.backward()
        return loss

    def check(self):
        loss = self.run().item()
        gradients = {our_name(name): value.grad.numpy() for name, value in self.model.named_parameters()}
        return {"loss": numpy.array([loss], dtype="float32"), **gradients}


class TrainingStep:
    """The ordinary loop, with the fastest of Adam's variants."""

    VARIANTS = {"for-loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}

    def __init__(self, job):
        self.job = job
        self.start("for-loop")
        times = {}
        for variant in self.VARIANTS:
            self.start(variant)
            times[variant] = fastest(self.run)
        best = min(times, key=times.get)
        self.note = f"Adam: {best}" + (", SparseAdam for the embeddings" if self.tables else "")
        self.start(best)

    def start(self, variant):
        self.model = Classifier(self.job["shape"], self.job["classes"]).load(self.job["model"])
        self.parameters = list(self.model.parameters())
        options = self.VARIANTS[variant]
        own = {"lr": LEARNING_RATE, "betas": BETAS, "eps": EPSILON}
        self.tables = [module.weight for module in self.model.modules() if getattr(module, "sparse", False)]
        dense = [value for value in self.parameters if all(value is not table for table in self.tables)]
        self.optimizers = [torch.optim.Adam(dense, **own, **options)]
        if self.tables:
            self.optimizers.append(torch.optim.SparseAdam(self.tables, **own))
        self.data = Data(self.job)

    def run(self):
        x, target = self.data.take()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(self.model(x), target)
        loss.backward()
        for table in self.tables:  # has a row for each step: clipping measures each by itself unless they are summed
            table.grad = table.grad.coalesce()
        nn.utils.clip_grad_norm_(self.parameters, CLIP_NORM)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss

    def check(self):
        losses = [self.run().item() for _ in range(CHECKED_STEPS)]
        return {"losses": numpy.array(losses, dtype="float32")}


class StreamingStep:
    """`LSTMCell` and head, the states fed back."""

    def __init__(self, job):
        shape = job["shape"]
        tensors = dict(load_file(job["model"]))
        self.cell = nn.LSTMCell(shape["features"], shape["units"])
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        self.cell.load_state_dict({name: tensors[f"layers.0.{name}_l0"] for name in names})
        self.output = nn.Linear(shape["units"], job["classes"])
        self.output.load_state_dict({name: tensors[f"output.{name}"] for name in ("weight", "bias")})
        x = numpy.fromfile(job["data"]["x"], dtype="<f4").reshape(-1, 1, shape["features"])
        self.steps = [torch.from_numpy(step.copy()) for step in x]
        self.next = 0
        self.state = (torch.zeros(1, shape["units"]), torch.zeros(1, shape["units"]))

    def run(self):
        x = self.steps[self.next]
        self.next = (self.next + 1) % len(self.steps)
        with torch.inference_mode():
            self.state = self.cell(x, self.state)
            return torch.softmax(self.output(self.state[0]), dim=1)

    def check(self):
        return {"probabilities": numpy.concatenate([self.run().numpy() for _ in range(CHECKED_STEPS)])}


class PrivateStep:
    """Opacus: gradients of every sample, clipped each, with noise. Its ordinary step is `training step`."""

    def __init__(self, job):
        from opacus import GradSampleModule
        from opacus.layers import DPLSTM
        from opacus.optimizers import DPOptimizer

        shape = job["shape"]
        model = Classifier(shape, job["classes"])
        # Batch first: its per-sample gradients of the head take the first axis for the batch.
        model.rnn = DPLSTM(shape["features"], shape["units"], num_layers=shape["layers"], batch_first=True)
        self.model = GradSampleModule(model)
        adam = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)
        self.adam = DPOptimizer(
            adam, noise_multiplier=1.0, max_grad_norm=CLIP_NORM, expected_batch_size=shape["batch"]
        )
        self.data = Data(job)
        self.data.batches = [(x.transpose(0, 1).contiguous(), *rest) for x, *rest in self.data.batches]

    def run(self):
        x, target = self.data.take()
        self.adam.zero_grad()
        nn.functional.cross_entropy(self.model(x), target).backward()
        self.adam.step()


WORK = {
    "inference": Inference,
    "forward and backward": Gradients,
    "training step": TrainingStep,
    "streaming step": StreamingStep,
    "private step": PrivateStep,
}


def fastest(run, seconds=0.3):
    """The shortest of the runs that fit in, at least five."""
    began, times = time.perf_counter(), []
    while len(times) < 5 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def write_results(path, results):
    with open(path, "wb") as file:
        for value in results.values():
            file.write(numpy.ascontiguousarray(value, dtype="<f4").tobytes())
    return {"tensors": [{"name": name, "length": int(value.size)} for name, value in results.items()]}


def measure(run, count, times):
    milliseconds = []
    for _ in range(times):
        start = time.perf_counter()
        for _ in range(count):
            run()
        milliseconds.append((time.perf_counter() - start) * 1e3 / count)
    return milliseconds


def serve():
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    work = None
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if request["ask"] == "load":
                work = None  # frees the one before
                torch.set_num_threads(request["job"]["threads"])
                work = WORK[request["job"]["operation"]](request["job"])
                value = {"note": work.note} if hasattr(work, "note") else {}
            elif request["ask"] == "check":
                value = write_results(request["into"], work.check())
            else:
                value = measure(work.run, request["count"], request["times"])
            answer = {"ok": True, "value": value}
        except Exception as error:  # the driver reports it; the next job may do better
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()

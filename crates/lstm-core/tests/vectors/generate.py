"""Writes the test vectors beside it: what PyTorch computes, in float64, for the reference and every fast path to equal.

    pip install torch numpy safetensors
    python generate.py

Whatever goes in (weights, inputs, initial states, cotangents, hyperparameters) is rounded to float32 and stored so:
float32 kernels see the very numbers that the float64 results were computed from. Every result is float64. Each file's
metadata names the version of PyTorch that wrote it; another one may differ in the last bits.

Tensors of a stack of layers (a single layer is a stack of one; each layer is a one-layer module of its own):

    x [batch, steps, features]; lengths [batch]     NaN fills the padding: who reads it, shows it
    layers.K.{weight_ih,weight_hh,bias_ih,bias_hh}_l0, layers.K.{h0,c0} [batch, units]    biases and c only if there are
    layers.K.{hidden [batch, steps, units], h_n, c_n [batch, units]}          results; hidden is 0 in the padding
    cotangent.layers.K.{h_n,c_n}, cotangent.layers.TOP.hidden                 y = sum of cotangent * result
    gradient.NAME                                   dy/dNAME for x and every tensor of the layers' that goes in

The files whose names begin with `gru`, `rnn` or `lstm` are stacks of other cells, or without biases. In those that say
`bidirectional`, layers have `_l0_reverse` tensors too, states are [2, batch, units] and hidden [batch, steps, 2 * units]. In those that say `projection`, layers have `weight_hr_l0`
too, [numbers, units], and hidden states as many numbers.

Tensors of the models (two layers from zero states, a linear head on the last h_n, mean cross-entropy); in the
bidirectional one, layers have `_l0_reverse` tensors too and h_n holds both directions:

    x [batches, batch, steps, features]; lengths, targets [batches, batch]
    layers.K.*, output.{weight [classes, units], bias [classes]}              the parameters before training
    logits [batch, classes], loss, gradient.NAME    of the first batch, before training
    adam.{learning_rate,beta1,beta2,epsilon}, clip_norm
    losses, norms [10]                              of each step's batch, before the step; norms before clipping
    trained.NAME                                    the parameters after ten steps; step s sees batch s modulo batches
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = Path(__file__).parent


def rounded(tensor):
    """The nearest float32 numbers, as float64."""
    return tensor.detach().float().double()


def normal(*shape):
    return rounded(torch.randn(*shape))


def recurrent_layers(module, features, units, bidirectional=False, **options):
    """One-layer modules with PyTorch's own initial weights."""
    directions = 2 if bidirectional else 1
    # A layer gives what its hidden states are projected to, where they are.
    given = (directions * (options.get("proj_size") or size) for size in units)
    sizes = zip([features, *given], units)
    layers = nn.ModuleList(
        module(inputs, outputs, batch_first=True, bidirectional=bidirectional, **options) for inputs, outputs in sizes
    )
    for parameter in layers.parameters():
        parameter.data = rounded(parameter)
    return layers


def fill_padding_with_nan(x, lengths):
    for sequence, length in zip(x, lengths):
        sequence[length:] = torch.nan


def run_layers(layers, x, lengths, states):
    """Each layer's (hidden, h_n, c_n), without c_n where there is no cell state."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs = []
    for layer, initial in zip(layers, states):
        initial = tuple(state if layer.bidirectional else state[None] for state in initial)
        packed, final = layer(packed, initial if len(initial) == 2 else initial[0])
        hidden, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        final = final if isinstance(final, tuple) else (final,)
        outputs.append((hidden, *(state if layer.bidirectional else state[0] for state in final)))
    return outputs


def save(name, inputs, results):
    """Inputs as float32 (or whole numbers), results as float64."""
    tensors = {}
    for key, tensor in inputs.items():
        tensors[key] = tensor if tensor.dtype == torch.int64 else tensor.detach().float()
        assert torch.equal(tensors[key].double().nan_to_num(), tensor.double().nan_to_num()), f"{key} is not rounded"
    for key, tensor in results.items():
        assert tensor.dtype == torch.float64 and tensor.isfinite().all(), key
        assert key not in tensors, key
        tensors[key] = tensor.detach()
    tensors = {key: tensor.contiguous() for key, tensor in tensors.items()}
    save_file(tensors, HERE / f"{name}.safetensors", metadata={"torch": torch.__version__})


def stack_case(name, seed, steps, features, units, lengths, input_scale=1.0, module=nn.LSTM, bidirectional=False, **options):
    torch.manual_seed(seed)
    batch, top = len(lengths), len(units) - 1
    layers = recurrent_layers(module, features, units, bidirectional, **options)
    state_names = ["h0", "c0"] if module is nn.LSTM else ["h0"]
    x = rounded(normal(batch, steps, features) * input_scale)
    fill_padding_with_nan(x, lengths)
    lengths = torch.tensor(lengths)
    shape = (2, batch) if bidirectional else (batch,)
    hidden_size = options.get("proj_size", 0)
    states = [tuple(normal(*shape, hidden_size if key == "h0" and hidden_size else size) for key in state_names) for size in units]

    differentiable = {"x": x}
    for k, (layer, initial) in enumerate(zip(layers, states)):
        differentiable |= {f"layers.{k}.{key}": parameter for key, parameter in layer.named_parameters()}
        differentiable |= {f"layers.{k}.{key}": state for key, state in zip(state_names, initial)}
    for tensor in differentiable.values():
        tensor.requires_grad_()

    results, cotangents = {}, {}
    for k, outputs in enumerate(run_layers(layers, x, lengths, states)):
        for key, output in zip(["hidden", "h_n", "c_n"], outputs):
            results[f"layers.{k}.{key}"] = output
            if key != "hidden" or k == top:
                cotangents[f"layers.{k}.{key}"] = normal(*output.shape)

    seeds = [results[key] for key in cotangents]
    gradients = torch.autograd.grad(seeds, list(differentiable.values()), list(cotangents.values()))
    results |= {f"gradient.{key}": gradient for key, gradient in zip(differentiable, gradients)}
    inputs = differentiable | {"lengths": lengths} | {f"cotangent.{key}": value for key, value in cotangents.items()}
    save(name, inputs, results)


def model_case(name, seed, bidirectional=False, module=nn.LSTM, **options):
    torch.manual_seed(seed)
    directions = 2 if bidirectional else 1
    batches, batch, steps, features, units, classes = 4, 6, 9, 3, [8, 5], 3
    layers = recurrent_layers(module, features, units, bidirectional, **options)
    output = nn.Linear(directions * units[-1], classes)
    for parameter in output.parameters():
        parameter.data = rounded(parameter)
    parameters = {f"layers.{k}.{key}": p for k, layer in enumerate(layers) for key, p in layer.named_parameters()}
    parameters |= {f"output.{key}": p for key, p in output.named_parameters()}

    x = normal(batches, batch, steps, features)
    lengths = torch.tensor([[9, 4, 1, 7, 9, 2], [3, 9, 5, 1, 8, 6], [1, 2, 8, 4, 3, 5], [9, 9, 9, 9, 9, 9]])
    for sequences, sequence_lengths in zip(x, lengths):
        fill_padding_with_nan(sequences, sequence_lengths)
    targets = torch.randint(classes, (batches, batch))

    def logits(b):
        packed = pack_padded_sequence(x[b], lengths[b], batch_first=True, enforce_sorted=False)
        for layer in layers:
            packed, final = layer(packed)
            h_n = final[0] if module is nn.LSTM else final
        return output(torch.cat(list(h_n), dim=1))

    def loss(b):
        return nn.functional.cross_entropy(logits(b), targets[b])

    inputs = {"x": x, "lengths": lengths, "targets": targets}
    inputs |= {key: parameter.detach().clone() for key, parameter in parameters.items()}
    results = {"logits": logits(0), "loss": loss(0)}
    gradients = torch.autograd.grad(loss(0), list(parameters.values()))
    results |= {f"gradient.{key}": gradient for key, gradient in zip(parameters, gradients)}

    settings = {"learning_rate": 0.02, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    settings = {f"adam.{key}": value for key, value in settings.items()} | {"clip_norm": 0.5}
    settings = {key: rounded(torch.tensor(value)) for key, value in settings.items()}
    learning_rate, beta1, beta2, epsilon, clip_norm = (value.item() for value in settings.values())
    adam = torch.optim.Adam(parameters.values(), lr=learning_rate, betas=(beta1, beta2), eps=epsilon)
    losses, norms = [], []
    for step in range(10):
        adam.zero_grad()
        value = loss(step % batches)
        value.backward()
        norms.append(nn.utils.clip_grad_norm_(parameters.values(), clip_norm))
        adam.step()
        losses.append(value.detach())
    assert min(norms) < clip_norm < max(norms), "some steps are clipped and some are not"

    results |= {"losses": torch.stack(losses), "norms": torch.stack(norms)}
    results |= {f"trained.{key}": parameter for key, parameter in parameters.items()}
    save(name, inputs | settings, results)
    print(f"{name}: losses {[f'{value:.4f}' for value in losses]}, norms {[f'{value:.4f}' for value in norms]}")


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # A layer's name: batch-steps-features-units.
    stack_case("layer-1-1-1-1", seed=1, steps=1, features=1, units=[1], lengths=[1])
    stack_case("layer-3-7-5-4", seed=2, steps=7, features=5, units=[4], lengths=[7] * 3)
    stack_case("layer-4-9-3-17", seed=3, steps=9, features=3, units=[17], lengths=[9] * 4)
    stack_case("layer-5-12-8-33", seed=4, steps=12, features=8, units=[33], lengths=[12] * 5)
    # Not sorted, two of one step; then one in which nothing reaches the last step.
    stack_case("ragged-6-11-7-15", seed=5, steps=11, features=7, units=[15], lengths=[4, 11, 1, 7, 1, 10])
    stack_case("ragged-3-6-2-16", seed=6, steps=6, features=2, units=[16], lengths=[1, 5, 3])
    # Inputs so large that most gates are all but shut or all but open.
    stack_case("saturated-2-6-3-8", seed=7, steps=6, features=3, units=[8], lengths=[6] * 2, input_scale=30.0)
    stack_case("stack-4-8-6-9-5", seed=8, steps=8, features=6, units=[9, 5], lengths=[3, 8, 1, 6])
    model_case("model", seed=9)
    model_case("model-bidirectional", seed=11, bidirectional=True)

    ragged = {"steps": 8, "features": 6, "lengths": [3, 8, 1, 6]}
    stack_case("gru-9-5", seed=12, units=[9, 5], module=nn.GRU, **ragged)
    stack_case("gru-17-without-biases", seed=13, units=[17], module=nn.GRU, bias=False, **ragged)
    stack_case("rnn-9-5-3", seed=14, units=[9, 5, 3], module=nn.RNN, **ragged)
    stack_case("rnn-17-relu", seed=15, units=[17], module=nn.RNN, nonlinearity="relu", **ragged)
    stack_case("rnn-7-without-biases", seed=16, units=[7], module=nn.RNN, bias=False, **ragged)
    stack_case("lstm-9-5-3-without-biases", seed=17, units=[9, 5, 3], bias=False, **ragged)
    bidirectional = {"bidirectional": True, **ragged}
    stack_case("lstm-9-5-bidirectional", seed=20, units=[9, 5], **bidirectional)
    stack_case("gru-9-5-bidirectional", seed=21, units=[9, 5], module=nn.GRU, **bidirectional)
    stack_case("rnn-9-5-bidirectional", seed=22, units=[9, 5], module=nn.RNN, **bidirectional)
    stack_case("lstm-17-9-projection", seed=23, units=[17, 9], proj_size=5, **ragged)
    stack_case("lstm-9-projection-bidirectional", seed=24, units=[9], proj_size=4, **bidirectional)
    model_case("model-gru-bidirectional", seed=18, bidirectional=True, module=nn.GRU)
    model_case("model-rnn-relu", seed=19, module=nn.RNN, nonlinearity="relu")

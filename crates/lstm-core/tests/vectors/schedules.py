"""Writes the test vectors of learning-rate schedules, as PyTorch's schedulers compute them.

    pip install torch numpy safetensors
    python schedules.py

One file, `schedules.safetensors`: for each case the learning rate and, of one-cycle schedules, the momentum of every step, and of
plateaus also the losses of the epochs, as float64. The metadata's `case` is JSON with each case's options and course.

    CASE.rates [steps]    CASE.momenta [steps]    CASE.losses [epochs]
"""

import warnings

import torch
from generate import save
from torch.optim import lr_scheduler as schedulers

WITH_END = 0.01


def optimizer_of(rate):
    return torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=rate)


def stepped(rate, make, steps, steps_per_epoch, each_epoch=False):
    """The rates of a scheduler that is told of every step, or of every epoch."""
    optimizer = optimizer_of(rate)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["betas"][0])
        optimizer.step()
        if step + 1 < steps and (not each_epoch or (step + 1) % steps_per_epoch == 0):
            scheduler.step()
    return rates, momenta


def restarts(rate, steps, steps_per_epoch, first, factor, end):
    optimizer = optimizer_of(rate)
    scheduler = schedulers.CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=factor, eta_min=end)
    rates = []
    for step in range(steps):
        epoch, i = divmod(step, steps_per_epoch)
        scheduler.step(epoch + i / steps_per_epoch)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def warmed(rate, make, steps, warmup, start):
    """LinearLR, and after its steps another."""
    optimizer = optimizer_of(rate)
    warm = schedulers.LinearLR(optimizer, start_factor=start, total_iters=warmup)
    scheduler = schedulers.SequentialLR(optimizer, [warm, make(optimizer)], milestones=[warmup])
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def plateau(rate, losses, steps_per_epoch, **settings):
    optimizer = optimizer_of(rate)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, **settings)
    rates = []
    for loss in losses:
        rates += [optimizer.param_groups[0]["lr"]] * steps_per_epoch
        scheduler.step(loss)
    return rates


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_default_dtype(torch.float64)
    table, results = [], {}

    def case(name, epochs, steps_per_epoch, learning_rate, rates, momenta=None, losses=None):
        assert len(rates) == epochs * steps_per_epoch, name
        course = {"epochs": epochs, "stepsPerEpoch": steps_per_epoch}
        table.append({"name": name, **course, "learningRate": learning_rate})
        results[f"{name}.rates"] = torch.tensor(rates)
        if momenta is not None:
            results[f"{name}.momenta"] = torch.tensor(momenta)
        if losses is not None:
            results[f"{name}.losses"] = torch.tensor(losses)
        print(f"{name}: {rates[0]:.3g} to {rates[-1]:.3g}")

    case("constant", 2, 3, {"schedule": "constant", "rate": 0.3}, [0.3] * 6)
    case("default", 2, 3, {"schedule": "constant"}, [0.001] * 6)
    for every, factor in ((1, 0.5), (3, 0.1)):
        rates, _ = stepped(0.3, lambda o: schedulers.StepLR(o, every, factor), 40, 4, True)
        case(f"step-{every}", 10, 4, {"schedule": "step", "rate": 0.3, "every": every, "factor": factor}, rates)
    rates, _ = stepped(0.3, lambda o: schedulers.ExponentialLR(o, 0.7), 40, 4, True)
    case("exponential", 10, 4, {"schedule": "exponential", "rate": 0.3, "factor": 0.7}, rates)
    for power in (1.0, 2.0, 0.5):
        rates, _ = stepped(0.3, lambda o: schedulers.PolynomialLR(o, 40, power), 40, 4)
        case(f"polynomial-{power}", 10, 4, {"schedule": "polynomial", "rate": 0.3, "power": power}, rates)
    # PyTorch's has no end; this is Keras's PolynomialDecay.
    rates = [(0.3 - WITH_END) * (1 - step / 40) ** 2 + WITH_END for step in range(40)]
    case("polynomial-end", 10, 4, {"schedule": "polynomial", "rate": 0.3, "power": 2, "end": WITH_END}, rates)
    for end in (0.0, WITH_END):
        rates, _ = stepped(0.3, lambda o: schedulers.CosineAnnealingLR(o, 40, end), 40, 4)
        case(f"cosine-{end}", 10, 4, {"schedule": "cosine", "rate": 0.3, "end": end}, rates)
    for first, factor, end in ((3, 1, 0.0), (1, 2, WITH_END), (2, 3, 0.0)):
        options = {"schedule": "cosine", "rate": 0.3, "restartEpochs": first, "restartFactor": factor, "end": end}
        case(f"restarts-{first}-{factor}", 18, 7, options, restarts(0.3, 126, 7, first, factor, end))
    for epochs, steps_per_epoch in ((10, 7), (1, 100), (3, 1), (1, 2), (1, 1)):
        steps = epochs * steps_per_epoch
        rates, momenta = stepped(0.1, lambda o: schedulers.OneCycleLR(o, 0.3, total_steps=steps), steps, steps_per_epoch)
        options = {"schedule": "one-cycle", "peak": 0.3}
        case(f"one-cycle-{epochs}-{steps_per_epoch}", epochs, steps_per_epoch, options, rates, momenta)
    settings = {"pct_start": 0.45, "div_factor": 10, "final_div_factor": 100, "base_momentum": 0.6, "max_momentum": 0.9}
    rates, momenta = stepped(0.1, lambda o: schedulers.OneCycleLR(o, 0.3, total_steps=50, **settings), 50, 5)
    options = {"schedule": "one-cycle", "peak": 0.3, "rise": 0.45, "startDivisor": 10, "endDivisor": 100}
    case("one-cycle-set", 10, 5, options | {"leastMomentum": 0.6, "largestMomentum": 0.9}, rates, momenta)

    rates = warmed(0.3, lambda o: schedulers.CosineAnnealingLR(o, 30), 40, 10, 1 / 3)
    case("warmup-cosine", 10, 4, {"schedule": "cosine", "rate": 0.3, "warmup": {"steps": 10}}, rates)
    rates = warmed(0.3, lambda o: schedulers.ConstantLR(o, 1.0, 1), 40, 8, 0.1)
    case("warmup-constant", 10, 4, {"schedule": "constant", "rate": 0.3, "warmup": {"epochs": 2, "from": 0.1}}, rates)
    rates = warmed(0.3, lambda o: schedulers.StepLR(o, 8, 0.5), 40, 6, 0.5)
    warmup = {"steps": 6, "from": 0.5}
    case("warmup-step", 10, 4, {"schedule": "step", "rate": 0.3, "every": 2, "factor": 0.5, "warmup": warmup}, rates)

    losses = [1.0, 0.9, 0.95, 0.9, 0.89995, 0.9, 0.8, 0.81, 0.82, 0.83, 0.84, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.78]
    rates = plateau(0.3, losses, 2, patience=2)
    case("plateau", 20, 2, {"schedule": "plateau", "rate": 0.3, "patience": 2}, rates, losses=losses)
    rates = plateau(0.3, losses, 2, factor=0.5, patience=1, threshold=0.05, cooldown=2, min_lr=0.05)
    options = {"factor": 0.5, "patience": 1, "threshold": 0.05, "cooldown": 2, "least": 0.05}
    case("plateau-set", 20, 2, {"schedule": "plateau", "rate": 0.3} | options, rates, losses=losses)
    rates = plateau(1e-6, losses, 2, patience=0)
    case("plateau-tiny", 20, 2, {"schedule": "plateau", "rate": 1e-6, "patience": 0}, rates, losses=losses)
    save("schedules", {}, results, {"cases": table})

"""The shared recipe in PyTorch, on CIFAR-10 as sequences of rows: how far PyTorch's own seeds are apart.

    python examples/images/cifar.py TRAINING.bin.gz TEST.bin.gz [SEEDS]

It is `recipe.ts` word for word: one LSTM layer of 128 units with PyTorch's first weights, but that the forget gate's bias in
`bias_ih` is 1; Adam, a one-cycle schedule to 4e-3 with PyTorch's defaults, the norm clipped to 1, batches of 64, 10 epochs. Written for
PyTorch 2.15, and run by hand.
"""

import gzip
import sys

import numpy as np
import torch


def read(path, limit):
    """[n, 32, 96] bytes, a row's three colours side by side, and [n] labels."""
    with gzip.open(path) as file:
        records = np.frombuffer(file.read(), np.uint8).reshape(-1, 3073)[:limit]
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 1, 3).reshape(-1, 32, 96)
    return images.astype(np.float64), torch.tensor(records[:, 0].astype(np.int64))


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(96, 128, batch_first=True)
        self.head = torch.nn.Linear(128, 10)
        with torch.no_grad():
            self.rnn.bias_ih_l0[128:256] = 1

    def forward(self, x):
        return self.head(self.rnn(x)[1][0][0])


def learn(x, y, test_x, test_y, seed, epochs=10, batch=64):
    torch.manual_seed(seed)
    network = Network()
    optimizer = torch.optim.Adam(network.parameters())
    steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return (network(test_x).argmax(1) == test_y).float().mean().item()


training, labels = read(sys.argv[1], 5000)
test, test_labels = read(sys.argv[2], 1000)
mean, deviation = training.mean(), training.std()
training, test = (torch.tensor((images - mean) / deviation, dtype=torch.float32) for images in (training, test))
torch.set_num_threads(1)
for seed in range(1, int(sys.argv[3] if len(sys.argv) > 3 else 3) + 1):
    print(f"seed {seed}: accuracy {learn(training, labels, test, test_labels, seed):.4f}", flush=True)

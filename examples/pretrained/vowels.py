"""What the two PyTorch programs of this example share: the module, the data, and how well the one does on the other."""

import gzip
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

DATA = Path(__file__).parent.parent / "learning" / "data"
CLASSES = [str(speaker) for speaker in range(1, 10)]


class Speakers(nn.Module):
    """Which of nine men said the vowels: an LSTM in both directions over 12 coefficients a step, a norm, a linear map."""

    def __init__(self, units: int = 48):
        super().__init__()
        self.register_buffer("mean", torch.zeros(12))
        self.register_buffer("deviation", torch.ones(12))
        self.rnn = nn.LSTM(12, units, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * units)
        self.head = nn.Linear(2 * units, len(CLASSES))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x [n, steps, 12], padded; lengths [n]; gives logits [n, 9]."""
        packed = pack_padded_sequence((x - self.mean) / self.deviation, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.rnn(packed)  # [2, n, units]
        return self.head(self.norm(torch.cat([hidden[0], hidden[1]], dim=1)))


def read(part: str) -> tuple[Tensor, Tensor, Tensor]:
    """The archive's TRAIN or TEST part: x [n, steps, 12], lengths [n], classes [n]."""
    sequences, classes = [], []
    with gzip.open(DATA / f"JapaneseVowels_{part}.ts.gz", "rt") as file:
        for line in (line.strip() for line in file):
            if not line or line[0] in "#@":
                continue
            *channels, label = line.split(":")
            sequences.append(torch.tensor([[float(value) for value in channel.split(",")] for channel in channels]).T)
            classes.append(CLASSES.index(label))
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(sequences, batch_first=True), lengths, torch.tensor(classes)


@torch.no_grad()
def predict(model: Speakers, part: str) -> tuple[list[int], float]:
    """The class of each sample, and the part of them that is right."""
    x, lengths, classes = read(part)
    model.eval()
    predicted = model(x, lengths).argmax(dim=1)
    return predicted.tolist(), (predicted == classes).float().mean().item()

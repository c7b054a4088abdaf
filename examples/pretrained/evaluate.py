"""Loads what Gatewise has sent back and evaluates it in PyTorch: `python3 evaluate.py FILE`."""

import json
import sys

import torch

from vowels import CLASSES, Speakers, predict

checkpoint = torch.load(sys.argv[1], weights_only=True)
model = Speakers()
model.load_state_dict(checkpoint["model"])
# Training could go on in PyTorch as well.
optimizer = torch.optim.Adam(model.parameters())
optimizer.load_state_dict(checkpoint["optimizer"])
predicted, accuracy = predict(model, "TEST")
print(json.dumps({"accuracy": accuracy, "predicted": [CLASSES[index] for index in predicted]}))

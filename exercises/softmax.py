"""The probability that softmax gives an output of 10 beside two others: `python -m exercises.softmax`."""

import torch

for others in (0.1, 9.0, 1000.0):
    outputs = torch.tensor([10.0, others, others], dtype=torch.float64)
    print(f"beside {others:g}: {outputs.softmax(0)[0].item()}")

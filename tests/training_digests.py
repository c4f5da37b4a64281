"""Trains small stacks and prints a digest of their weights and scores: `python tests/training_digests.py`.

Run on other processors, emulated ones too, it has to print the same.
"""

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

# stages settles the arithmetic, which has to be done before torch is imported
import stages  # isort: skip # noqa: F401
import torch

from dlstudy.tuning.stacks import Images, Member, Recipe, scores_on_test, train_stack

MEMBERS = (Member(0, "he", 0.05), Member(0, "pytorch", 0.01), Member(1, "xavier", 0.03))
VARIANTS = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "adam": {"optimiser": "adam"},
    "batch norm": {"batch_norm": True},
}
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "elu", "leaky_relu", "identity")


def images():
    stream = torch.Generator().manual_seed(0)
    features, targets = torch.randn(150, 784, generator=stream), torch.randint(10, (150,), generator=stream)
    return Images(features[:120], targets[:120], features[120:], targets[120:], num_train=100, num_classes=10)


def digest(activation, variant):
    recipe = Recipe((128, 64), (activation,) * 2, batch_size=48, num_epochs=1, output_init="pytorch", **variant)
    stack = train_stack(images(), recipe, MEMBERS)
    found = hashlib.sha256(repr(scores_on_test(stack, images())).encode())
    for parameter in stack.parameters:
        found.update(parameter.detach().numpy().tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    for activation in ACTIVATIONS:
        for name, variant in VARIANTS.items():
            print(activation, name, digest(activation, variant), flush=True)

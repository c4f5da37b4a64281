"""Trains small models and prints a digest of what became of each: `python tests/training_digests.py`.

Run on other processors, emulated ones too, it has to print the same.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

# stages settles the arithmetic, which has to be done before torch is imported
import stages  # isort: skip # noqa: F401
import torch
from torch import nn

from dlstudy.closed_form.least_squares import fit
from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.params import SgdParams
from dlstudy.sgd.loop import train_run
from dlstudy.tuning.stacks import Images, Member, Recipe, scores_on_test, train_stack
from dlstudy.vision.layers import with_own_layers

MEMBERS = (Member(0, "he", 0.05), Member(0, "pytorch", 0.01), Member(1, "xavier", 0.03))
VARIANTS = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "adam": {"optimiser": "adam"},
    "batch norm": {"batch_norm": True},
}
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "elu", "leaky_relu", "identity")


def digest(*results):
    """Of tensors, and of numbers by the digits that JSON gives, which are all."""
    found = hashlib.sha256()
    for result in results:
        tensor = isinstance(result, torch.Tensor)
        found.update(result.detach().contiguous().numpy().tobytes() if tensor else json.dumps(result).encode())
    return found.hexdigest()


def stacks() -> Iterator[tuple[str, str]]:
    stream = torch.Generator().manual_seed(0)
    features, targets = torch.randn(150, 784, generator=stream), torch.randint(10, (150,), generator=stream)
    pool, test = Split(features[:120], targets[:120]), Split(features[120:], targets[120:])
    images = Images(pool, test, num_train=100, num_classes=10)
    for activation in ACTIVATIONS:
        for name, variant in VARIANTS.items():
            recipe = Recipe((128, 64), (activation,) * 2, batch_size=48, num_epochs=1, output_init="pytorch", **variant)
            stack = train_stack(images, recipe, MEMBERS)
            yield f"stack {activation} {name}", digest(repr(scores_on_test(stack, images)), *stack.parameters)


def dataset(task):
    """Noise, of 150 images or of 150 rows of numbers, a third each to train, validate and test."""
    stream = torch.Generator().manual_seed(1)
    if task == "classification":
        features, targets = (
            torch.randint(256, (150, 28, 28), generator=stream, dtype=torch.uint8),
            torch.arange(150) % 10,
        )
        scales = Scale.of_pixels(features), None
    else:
        features, targets = (
            torch.randn(150, 6, generator=stream, dtype=torch.float64),
            torch.randn(150, generator=stream).double(),
        )
        scales = Scale.of(features), Scale.of(targets)
    parts = [Split(features[start::3], targets[start::3]) for start in range(3)]
    return Dataset(task, *parts, *scales, ("x",) * 6, "y", tuple("abcdefghij") if task == "classification" else ())


def models() -> Iterator[tuple[str, str]]:
    common = {"method": "sgd", "init": "pytorch", "lr": 0.1, "batch_size": 16, "num_epochs": 2}
    for name, task, data, hidden in (
        ("softmax regression", "classification", "images", ()),
        ("perceptron", "classification", "images", (64,)),
        ("linear regression", "regression", "housing", ()),
        ("regression by a perceptron", "regression", "housing", (16,)),
    ):
        params = SgdParams(**common, data=data, hidden=hidden, activation="relu" if hidden else None)
        run = train_run(dataset(task), params, 0)
        yield name, digest(repr(run.history), *run.parameters.values())
    yield "least squares", digest(*fit(dataset("regression")).parameters.values())


def algebra() -> Iterator[tuple[str, str]]:
    """What `core.kernels` computes in place of MKL, on matrices that are neither tiny nor square."""
    stream = torch.Generator().manual_seed(2)
    for dtype in (torch.float32, torch.float64):
        A, B = (torch.randn(rows, 37, generator=stream, dtype=dtype) for rows in (101, 53))
        H, values = A.T @ A, A.abs()
        found = [A @ B.T, A.T @ A[:, 0], A[0] @ B[0], torch.einsum("ij,kj->ik", A, B)]
        found += [values.sqrt(), values.exp(), values.log(), values.erf(), A.tanh(), A.clone().tanh_()]
        yield f"products {dtype}", digest(*found)
        found = [*torch.linalg.eigh(H), torch.linalg.eigvals(B[:37]), *torch.linalg.svd(A, full_matrices=False)]
        found += [torch.linalg.lstsq(A, A[:, :1], driver="gelsy").solution, torch.linalg.solve(H, B.T)]
        found += [*torch.linalg.qr(A), torch.linalg.inv(H), torch.linalg.inv_ex(B[:37, :36].T @ B[:37, :36]).inverse]
        found += [torch.cholesky_solve(B.T, torch.linalg.cholesky(H)), torch.linalg.pinv(H, hermitian=True)]
        yield f"linear algebra {dtype}", digest(*found)


def convolutions() -> Iterator[tuple[str, str]]:
    """A small network of what torchvision's networks are made of, five steps of AdamW."""
    stream = torch.Generator().manual_seed(3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        layers = [nn.Conv2d(1, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        layers += [nn.Conv2d(64, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        layers += [nn.Conv2d(64, 128, 3, 2, 1), nn.ReLU(), nn.Conv2d(128, 64, 1), nn.AdaptiveAvgPool2d(2)]
        network = with_own_layers(nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 10)))
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01, fused=True)
    for _ in range(5):
        images = torch.randn(8, 1, 28, 28, generator=stream).contiguous(memory_format=torch.channels_last)
        loss = nn.functional.cross_entropy(network(images), torch.randint(10, (8,), generator=stream))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    yield "convolutions", digest(*network.state_dict().values())


if __name__ == "__main__":
    for part in (algebra, models, convolutions, stacks):
        for name, found in part():
            print(name, found, flush=True)

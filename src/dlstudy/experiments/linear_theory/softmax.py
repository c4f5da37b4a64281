"""Softmax regression on a few small images: its loss is convex, yet its stationarity is no linear equation."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.closed_form.least_squares import with_ones
from dlstudy.core.dataset import Dataset, Split
from dlstudy.core.randomness import generator
from dlstudy.training.networks import cross_entropy, squared_loss

NUM_IMAGES: Final = 200
BLOCK: Final = 7  # pixels: 28 x 28 become 4 x 4 means


def small_images(images: Dataset) -> Split:
    """The first training images, each as means of blocks of pixels, in [0, 1]; (images, 16) float64, (images,)."""
    pixels = images.train.features[:NUM_IMAGES].double() / 255
    blocks = F.avg_pool2d(pixels.view(-1, 1, 28, 28), BLOCK).flatten(1)
    return Split(blocks, images.train.targets[:NUM_IMAGES])


def bend(gradient: Callable[[Tensor], Tensor], first: Tensor, second: Tensor) -> float:
    """How far a gradient is from an affine function: half-way between two points, against the mean of both, relative.

    0 for every affine function: then, and only then, is gradient = 0 a system of linear equations.
    """
    middle, mean = gradient((first + second) / 2), (gradient(first) + gradient(second)) / 2
    return float((middle - mean).norm() / mean.norm())


def drawn(size: int, seed: int, purpose: str) -> Tensor:
    return torch.randn(size, generator=generator(seed, purpose), dtype=torch.float64)


def softmax_hessian(X: Tensor, num_classes: int, weights: Tensor) -> Tensor:
    """The Hessian of the cross-entropy of softmax regression: the mean of x x' times (diag(p) - p p'), Kronecker.

    X (examples, columns), weights (columns * num_classes,). Each factor is positive semidefinite, hence the mean is
    (Boehning, Annals of the Institute of Statistical Mathematics 44, 1992); the targets take no part.
    """
    p = (X @ weights.view(-1, num_classes)).softmax(1)  # (examples, classes)
    spread = torch.diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)  # (examples, classes, classes)
    outer = (X.unsqueeze(2) * X.unsqueeze(1)).flatten(1)  # (examples, columns^2)
    blocks = (outer.T @ spread.flatten(1) / len(X)).view(X.shape[1], X.shape[1], num_classes, num_classes)
    return blocks.transpose(1, 2).reshape(len(weights), len(weights))


def convexity(images: Dataset, seeds: Sequence[int]) -> pd.DataFrame:
    """A row per seed: extreme eigenvalues of the Hessian of softmax regression at weights drawn from N(0, 1)."""
    split, num_classes = small_images(images), len(images.class_names)
    X = with_ones(split.features)
    rows = []
    for seed in seeds:
        weights = drawn(X.shape[1] * num_classes, seed, "softmax weights")
        values = torch.linalg.eigvalsh(softmax_hessian(X, num_classes, weights))
        rows.append({"seed": seed, "smallest": values[0].item(), "largest": values[-1].item()})
    return pd.DataFrame(rows)


def stationarity(images: Dataset, houses: Split, seeds: Sequence[int]) -> pd.DataFrame:
    """A row per model and seed: the bend of its gradient between two random points, drawn from N(0, 1).

    houses: standardised, for the linear model.
    """
    split, num_classes = small_images(images), len(images.class_names)
    X, A = with_ones(split.features), with_ones(houses.features)
    losses: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {  # each with its number of weights
        "linear": (A.shape[1], lambda w: squared_loss((A @ w).unsqueeze(1), houses.targets)),
        "softmax": (X.shape[1] * num_classes, lambda w: cross_entropy(X @ w.view(-1, num_classes), split.targets)),
    }
    rows = []
    for model, (size, loss) in losses.items():
        for seed in seeds:
            points = drawn(size, seed, "first point"), drawn(size, seed, "second point")
            rows.append({"model": model, "seed": seed, "bend": bend(torch.func.grad(loss), *points)})
    return pd.DataFrame(rows)


def facts(images: Dataset) -> dict[str, Any]:
    split = small_images(images)
    return {
        "num_images": len(split),
        "num_features": split.features.shape[1],
        "num_parameters": (split.features.shape[1] + 1) * len(images.class_names),
    }

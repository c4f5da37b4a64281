"""What losses are: squared and absolute ones on real residuals, best constants, the pull of extreme houses (LIN-2).

And that of softmax regression on a few small images: it is convex, yet its stationarity is no linear equation.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from scipy.optimize import linprog, minimize_scalar
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.closed_form.least_squares import by_lstsq, with_ones
from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import cross_entropy, squared_loss
from dlstudy.experiments.linear_theory.solving import extreme_eigenvalues

LARGE_AREA: Final = 4_000.0  # square feet; De Cock (2011) advises to look at the sales beyond it
NAMES: Final = ("area", "age", "intercept")
NUM_IMAGES: Final = 200  # for softmax regression
BLOCK: Final = 7  # pixels: 28 x 28 become 4 x 4 means


def loss_of_each(outputs: Tensor, targets: Tensor) -> Tensor:
    """The study's own squared loss of every example on its own; (examples,), (examples,) -> (examples,)."""
    pairs = zip(outputs.view(-1, 1, 1), targets.view(-1, 1), strict=True)  # batches of one
    return torch.stack([squared_loss(output, target) for output, target in pairs])


def error_checks(outputs: Tensor, targets: Tensor) -> pd.DataFrame:
    """How often a property of an error measure was tried on real errors, and how often it failed: a row a property."""
    errors = (outputs - targets).abs()
    losses = loss_of_each(outputs, targets)
    order = errors.argsort()
    grows = errors[order].diff() > 0  # between neighbours in the order of their errors
    counts = {
        "never negative": (len(targets), losses < 0),
        "zero only where output equals target": (len(targets), (losses == 0) & (errors > 0)),
        "zero wherever output equals target": (len(targets), loss_of_each(targets, targets) != 0),
        "larger where the error is larger": (int(grows.sum()), grows & (losses[order].diff() <= 0)),
    }
    return pd.DataFrame(
        {"check": name, "num_cases": num, "num_exceptions": int(failed.sum())} for name, (num, failed) in counts.items()
    )


def vanishing_power() -> int:
    """The largest power of ten whose square is 0 in float64: there, a wrong output costs nothing."""
    return -next(power for power in range(400) if (10.0**-power) ** 2 == 0)


# --- The best constant ---


def minimiser(loss: Callable[[float], float], low: float, high: float) -> float:
    """Where a loss of one number is least, from its values alone (Brent's method).

    A smooth loss is flat at its minimum: float64 tells its values apart only some 1e-8 of the range away.
    """
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-10 * (high - low)})
    return float(found.x)


def nearest_median(values: Tensor, place: float) -> float:
    """The median; of an even number of values, all between the middle two are medians, and the nearest is meant."""
    ordered = values.sort().values
    low, high = ordered[(len(values) - 1) // 2].item(), ordered[len(values) // 2].item()
    return min(max(place, low), high)


def best_constants(prices: Tensor) -> pd.DataFrame:
    """The one price that fits all best under each loss, found numerically, beside the mean or median; in dollars."""
    low, high = prices.min().item(), prices.max().item()
    mean = prices.mean().item()  # the theory, before the measurement
    squared = minimiser(lambda place: (prices - place).square().mean().item(), low, high)
    absolute = minimiser(lambda place: (prices - place).abs().mean().item(), low, high)
    rows = [("squared", "mean", mean, squared), ("absolute", "median", nearest_median(prices, absolute), absolute)]
    table = pd.DataFrame(rows, columns=["loss", "statistic", "predicted", "minimiser"])
    difference = (table["minimiser"] - table["predicted"]).abs()
    return table.assign(relative_difference=difference / table["predicted"].abs())


# --- The pull of extreme houses ---


def least_absolute(A: Tensor, y: Tensor) -> Tensor:
    """Coefficients (columns,) that minimise sum |A w - y|, exactly; A (examples, columns).

    As a linear programme: minimise sum (u + v) such that A w + u - v = y, u >= 0, v >= 0 (Charnes, Cooper and
    Ferguson, Management Science 1, 1955), by HiGHS's dual simplex. ArithmeticError if it finds none.
    """
    num_rows, num_columns = A.shape
    identity = sparse.eye_array(num_rows)
    found = linprog(
        np.concatenate([np.zeros(num_columns), np.ones(2 * num_rows)]),
        A_eq=sparse.hstack([sparse.csr_array(A.numpy()), identity, -identity]),
        b_eq=y.numpy(),
        bounds=[(None, None)] * num_columns + [(0, None)] * (2 * num_rows),
        method="highs-ds",
    )
    if not found.success:
        raise ArithmeticError(f"least absolute deviations: expected a solution, found: {found.message}")
    return torch.from_numpy(found.x[:num_columns])


FITS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {"squared": by_lstsq, "absolute": least_absolute}


def plane(loss: str, sales: pd.DataFrame) -> list[float]:
    """Slopes on area and age and intercept of price that are best under a loss."""
    A = with_ones(torch.tensor(sales[["area", "age"]].to_numpy()))
    return FITS[loss](A, torch.tensor(sales["price"].to_numpy())).tolist()


def fits_with_and_without_large(sales: pd.DataFrame) -> pd.DataFrame:
    """A row per loss, set of houses ("all", "without large") and coefficient: in dollars, per square foot or year."""
    sets = {"all": sales, "without large": sales[sales["area"] <= LARGE_AREA]}
    return pd.DataFrame(
        {"loss": loss, "houses": houses, "name": name, "value": value}
        for loss in FITS
        for houses, rows in sets.items()
        for name, value in zip(NAMES, plane(loss, rows), strict=True)
    )


def facts(sales: pd.DataFrame) -> dict[str, Any]:
    large = sales[sales["area"] > LARGE_AREA]
    return {
        "num_sales": len(sales),
        "large_area": LARGE_AREA,
        "num_large": len(large),
        "large_houses": large.sort_values(["area", "price"])[["price", "area", "age"]].to_numpy().tolist(),
        "vanishing_power": vanishing_power(),
    }


# --- Softmax regression ---


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
    weights = {seed: drawn(X.shape[1] * num_classes, seed, "softmax weights") for seed in seeds}
    return pd.DataFrame(
        {"seed": seed, **extreme_eigenvalues(softmax_hessian(X, num_classes, drawn_weights))}
        for seed, drawn_weights in weights.items()
    )


def stationarity(images: Dataset, houses: Split, seeds: Sequence[int]) -> pd.DataFrame:
    """A row per model and seed: the bend of its gradient between two points from N(0, 1); `houses` standardised."""
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


def softmax_facts(images: Dataset) -> dict[str, Any]:
    split = small_images(images)
    return {
        "num_images": len(split),
        "num_features": split.features.shape[1],
        "num_parameters": (split.features.shape[1] + 1) * len(images.class_names),
    }

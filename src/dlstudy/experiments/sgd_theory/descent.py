"""The problems that SGD is measured on, and full-batch gradient descent on them.

Least squares, with all its moments known, and softmax regression: how large a step of full-batch descent may be
(SGD-3), and how fast it converges (SGD-4).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.closed_form.least_squares import by_lstsq, with_ones
from dlstudy.core.base.dataset import Dataset
from dlstudy.core.base.randomness import generator

Row = dict[str, str | int | float]  # of a table
CHUNK: Final = 250  # images at a time: what fits into the processor's cache
NUM_TRIAL_STEPS: Final = 200  # of a descent that shows whether a learning rate is too large
FIRST_TRIAL: Final = 1.0  # learning rate; the search goes up or down from here by factors of 2
PRECISION: Final = 1e-3  # relative, of the bisection: a tenth of what the claim tolerates
CURVE_FACTORS: Final = (0.5, 0.95, 1.05, 2.0)  # learning rates of the curves, in critical ones
REDUCTION: Final = 1e-12  # of the error, to which descents go: above the rounding of float64
NUM_PERTURBED_STEPS: Final = 2  # of a perturbation's trial, which starts where one before left off: few are needed
NUM_LOOKS: Final = 4  # at the curvature, after the one at W = 0
NUM_POWER_STEPS: Final = 30  # of each look, which starts where the one before ended
TINY: Final = 1e-6  # of a perturbation, beside which its square is nothing


@dataclass(frozen=True)
class Problem:
    """Minimise the mean of (x w - y)^2 / 2 over the rows.

    X: (rows, coordinates) with a last column of ones for the bias, y: (rows,), optimum: (coordinates,); all float64.
    """

    X: Tensor
    y: Tensor
    optimum: Tensor
    name: ClassVar[str] = "linear"

    @classmethod
    def of(cls, dataset: Dataset) -> "Problem":
        """The problem of the training split, standardised."""
        split = dataset.standardised(dataset.train)
        X = with_ones(split.features)
        return cls(X, split.targets, by_lstsq(X, split.targets))

    @property
    def num_rows(self) -> int:
        return len(self.X)

    def loss(self, w: Tensor) -> float:
        """The mean loss over all rows, at w (coordinates,)."""
        return (self.X @ w - self.y).square().mean().item() / 2

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient of the mean loss, at w (coordinates,)."""
        return self.X.T @ (self.X @ w - self.y) / self.num_rows

    def row_gradients(self, w: Tensor) -> Tensor:
        """The gradient of each row's own loss, x e with e = x w - y; (rows, coordinates)."""
        return self.X * (self.X @ w - self.y).unsqueeze(1)

    def zeros(self) -> Tensor:
        return torch.zeros_like(self.optimum)

    @cached_property
    def hessian(self) -> Tensor:
        """X' X / rows, the same at every w; (coordinates, coordinates)."""
        return self.X.T @ self.X / self.num_rows

    @cached_property
    def spectrum(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues of the Hessian, ascending, (coordinates,), and its eigenvectors, a column each."""
        values, vectors = torch.linalg.eigh(self.hessian)
        return values, vectors

    @property
    def critical_rate(self) -> float:
        """2 / largest eigenvalue: beyond it a step overshoots the most curved direction by more than it was off.

        LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998, section 5.
        """
        return 2 / self.spectrum[0][-1].item()

    @cached_property
    def rotated(self) -> "Problem":
        """The same problem in the eigenbasis of the Hessian, which is diagonal there.

        A descent is the same in every orthonormal basis: only the coordinates in which it is written change.
        """
        vectors = self.spectrum[1]
        return Problem(self.X @ vectors, self.y, self.optimum @ vectors)


@dataclass(frozen=True)
class Softmax:
    """Softmax regression; X: (images, pixels + 1), pixels / 255 and a one for the bias; classes: (images,)."""

    X: Tensor
    classes: Tensor
    num_classes: int
    name: ClassVar[str] = "softmax"

    @classmethod
    def of(cls, dataset: Dataset, num_images: int | None = None) -> "Softmax":
        """The problem of the first images of the training split, or of all."""
        images = dataset.train.features[:num_images]
        pixels = images.flatten(1).to(torch.float64).div_(255)
        return cls(with_ones(pixels), dataset.train.targets[:num_images], dataset.num_outputs)

    @cached_property
    def critical_rate(self) -> float:
        """2 / largest eigenvalue of the loss's Hessian at W = 0.

        The Hessian is the mean of (diag(p) - p p') kron x x' (Boehning, Annals of the Institute of Statistical
        Mathematics 44, 1992). At W = 0 every p is 1 / K, and it is (1 / K) (I - 1 1' / K) kron X' X / n: the
        eigenvalues of X' X / n, divided by K (and zeros).
        """
        return 2 * self.num_classes / float(torch.linalg.eigvalsh(self.X.T @ self.X / len(self.X))[-1])

    def gradient(self, W: Tensor) -> Tensor:
        """The gradient of the mean cross-entropy; (pixels + 1, classes), as W."""
        return self._mean_gradient(W, F.one_hot(self.classes, self.num_classes).to(W.dtype))

    def curvature_gradient(self, W: Tensor) -> Tensor:
        """The same less the gradient at W = 0: that of the loss without its linear part.

        0 is no minimum of the loss: a descent from it runs away downhill, whatever the learning rate. Without the
        linear part it is one, of the same Hessian. The labels cancel: both gradients have them.
        """
        guesses = torch.full((len(self.X), self.num_classes), 1 / self.num_classes, dtype=W.dtype)
        return self._mean_gradient(W, guesses)

    def hessian_product(self, W: Tensor, V: Tensor) -> Tensor:
        """The Hessian of the mean cross-entropy at W times V: X' (p * (X V) - p (p . X V)) / images, an image a p."""
        total = torch.zeros_like(W)
        for x in self.X.split(CHUNK):
            p, change = torch.softmax(x @ W, 1), x @ V
            total += x.T @ (p * (change - (p * change).sum(1, keepdim=True)))
        return total / len(self.X)

    def loss(self, W: Tensor) -> float:
        """The mean cross-entropy, in nats."""
        return F.cross_entropy(self.X @ W, self.classes).item()

    def zeros(self) -> Tensor:
        return torch.zeros(self.X.shape[1], self.num_classes, dtype=torch.float64)

    def _mean_gradient(self, W: Tensor, less: Tensor) -> Tensor:
        """X' (softmax(X W) - less) / images."""
        total = torch.zeros_like(W)
        for x, targets in zip(self.X.split(CHUNK), less.split(CHUNK), strict=True):
            total += x.T @ (torch.softmax(x @ W, 1) - targets)
        return total / len(self.X)


# --- Full-batch descent ---


def bisect_rate(grows: Callable[[float], bool]) -> float:
    """The learning rate from which on descents grow, to PRECISION; `grows` tells whether one does."""
    high = FIRST_TRIAL
    while not grows(high):
        high *= 2
    while grows(high / 2):
        high /= 2
    low = high / 2
    while high / low > 1 + PRECISION:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if grows(middle) else (middle, high)
    return math.sqrt(low * high)


def descend(problem: Problem | Softmax, lr: float, num_steps: int, *, start: Tensor | None = None) -> Iterator[Tensor]:
    """The start, 0 unless given, and what each step of full-batch gradient descent makes of it."""
    w = problem.zeros() if start is None else start
    yield w
    for _ in range(num_steps):
        w = w - lr * problem.gradient(w)
        yield w


def random_start(problem: Problem, seed: int, purpose: str) -> Tensor:
    """A place about as far from the optimum as 0 is, in every direction."""
    stream = generator(seed, f"sgd_theory/{purpose}")
    return problem.optimum + torch.randn(len(problem.optimum), generator=stream, dtype=torch.float64)


def loss_grows(problem: Problem, start: Tensor, lr: float) -> bool:
    """Whether the loss is higher at the end of a descent than it was half way."""
    places = list(descend(problem, lr, NUM_TRIAL_STEPS, start=start))
    half_way, end = problem.loss(places[NUM_TRIAL_STEPS // 2]), problem.loss(places[-1])
    # A descent that has converged may differ in the last bits; what overflows is neither below nor above.
    return not end <= half_way * (1 + 1e-9)


class Perturbation:
    """A tiny W that every trial in which it grows hands to the next, made tiny again.

    After the first such trials it points where the loss curves most, as in power iteration, and the next ones need few
    steps to show whether it grows. Trials in which it shrinks are forgotten: they lose that direction.
    """

    def __init__(self, problem: Softmax, seed: int) -> None:
        self.problem = problem
        stream = generator(seed, "sgd_theory/perturbation")
        W = torch.randn(problem.zeros().shape, generator=stream, dtype=torch.float64)
        self.W = W * (TINY / W.norm())
        self.gradient = problem.curvature_gradient(self.W)

    def grows(self, lr: float) -> bool:
        """Whether the last step of a few makes the gradient longer, and with it the perturbation.

        The gradient, because it leaves out the directions without curvature, which neither grow nor shrink.
        """
        W, gradient = self.W, self.gradient
        for _ in range(NUM_PERTURBED_STEPS):
            before = float(gradient.norm())
            W = W - lr * gradient
            gradient = self.problem.curvature_gradient(W)
        if grew := float(gradient.norm()) > before:
            self.W, self.gradient = (each * (TINY / W.norm()) for each in (W, gradient))  # proportional, W being tiny
        return grew


def critical_row(problem: Problem | Softmax, seed: int, grows: Callable[[float], bool]) -> Row:
    """The critical learning rate, predicted and found by descents from a seed's start; `grows` as for `bisect_rate`."""
    predicted, measured = problem.critical_rate, bisect_rate(grows)
    return {"problem": problem.name, "seed": seed, "predicted": predicted, "measured": measured}


def contraction(problem: Problem, lr: float) -> float:
    """The largest |1 - lr lambda_i|: by what the slowest direction's error is multiplied a step.

    Each eigendirection's error is multiplied by its own 1 - lr lambda_i; Goh, Why Momentum Really Works, Distill, 2017.
    """
    return (1 - lr * problem.spectrum[0]).abs().max().item()


def measured_log_contraction(problem: Problem, start: Tensor, lr: float) -> float:
    """The slope of log |w - optimum| by step at the end of a descent to REDUCTION of its first error."""
    first = (start - problem.optimum).norm().item()
    # Twice as long as theory says that the slowest direction takes, so that a wrong theory shows as such.
    most = 2 * math.ceil(math.log(REDUCTION) / math.log(contraction(problem, lr))) + 10
    logs: list[float] = []
    for w in descend(problem, lr, most, start=start):
        error = (w - problem.optimum).norm().item()
        if error < REDUCTION * first:
            break
        logs.append(math.log(error))
    return slope(logs[3 * len(logs) // 4 :])  # before the last quarter, the faster directions die out


def slope(values: Sequence[float]) -> float:
    """The least-squares slope of values over 0, 1, 2, ..."""
    middle = (len(values) - 1) / 2
    moments = sum((place - middle) * value for place, value in enumerate(values))
    return moments / sum((place - middle) ** 2 for place in range(len(values)))


def contraction_rows(problem: Problem, fractions: Sequence[float], seed: int) -> list[Row]:
    """A row per learning rate: the logarithm of the contraction, predicted and measured from a seed's start."""
    start = random_start(problem, seed, "contraction start")
    return [
        {
            "seed": seed,
            "fraction": fraction,
            "learning_rate": lr,
            "predicted": math.log(contraction(problem, lr)),
            "measured": measured_log_contraction(problem, start, lr),
        }
        for fraction in fractions
        for lr in [fraction * problem.critical_rate]
    ]


def curve_rows(problem: Problem | Softmax, num_steps: int) -> list[Row]:
    """The loss by step of full-batch descent from 0, at learning rates below and above the critical one."""
    return [
        {"problem": problem.name, "factor": factor, "learning_rate": lr, "step": step, "loss": problem.loss(w)}
        for factor in CURVE_FACTORS
        for lr in [factor * problem.critical_rate]
        for step, w in enumerate(descend(problem, lr, num_steps))
    ]


def curvature_rows(problem: Softmax, num_steps: int, seed: int) -> list[Row]:
    """The largest eigenvalue of the Hessian as descent from 0 goes on, at the first of CURVE_FACTORS.

    By power iteration, which comes to it from below. A row at 0, NUM_LOOKS rows at even distances.
    """
    lr, stream = CURVE_FACTORS[0] * problem.critical_rate, generator(seed, "sgd_theory/power iteration")
    V = torch.randn(problem.zeros().shape, generator=stream, dtype=torch.float64)
    looks = {round(look * num_steps / NUM_LOOKS) for look in range(NUM_LOOKS + 1)}
    rows: list[Row] = []
    for number, W in enumerate(descend(problem, lr, num_steps)):
        if number in looks:
            for _ in range(NUM_POWER_STEPS):
                V = problem.hessian_product(W, V / V.norm())
            rows.append({"step": number, "largest_eigenvalue": float(V.norm())})
    return rows

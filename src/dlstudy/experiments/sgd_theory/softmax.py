"""How large the first steps of softmax regression may be (SGD-3), on images."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.dataset import Dataset
from dlstudy.core.randomness import generator
from dlstudy.experiments.sgd_theory.descent import CURVE_FACTORS, Row, bisect_rate

CHUNK: Final = 250  # images at a time: what fits into the processor's cache
NUM_TRIAL_STEPS: Final = 2  # a trial starts where one before left off, so that few are needed
NUM_LOOKS: Final = 4  # at the curvature, after the one at W = 0
NUM_POWER_STEPS: Final = 30  # of each look, which starts where the one before ended
TINY: Final = 1e-6  # of a perturbation, beside which its square is nothing


@dataclass(frozen=True)
class Softmax:
    """Softmax regression; X: (images, pixels + 1), pixels / 255 and a one for the bias; classes: (images,)."""

    X: Tensor
    classes: Tensor
    num_classes: int

    @classmethod
    def of(cls, dataset: Dataset, num_images: int | None = None) -> "Softmax":
        """The problem of the first images of the training split, or of all."""
        images = dataset.train.features[:num_images]
        pixels = images.flatten(1).to(torch.float64).div_(255)
        ones = torch.ones(len(pixels), 1, dtype=torch.float64)
        return cls(torch.cat([pixels, ones], 1), dataset.train.targets[:num_images], dataset.num_outputs)

    @cached_property
    def largest_moment(self) -> float:
        """The largest eigenvalue of X' X / images."""
        return float(torch.linalg.eigvalsh(self.X.T @ self.X / len(self.X))[-1])

    @property
    def critical_rate(self) -> float:
        """2 / largest eigenvalue of the loss's Hessian at W = 0.

        The Hessian is the mean of (diag(p) - p p') kron x x' (Boehning, Annals of the Institute of Statistical
        Mathematics 44, 1992). At W = 0 every p is 1 / K, and it is (1 / K) (I - 1 1' / K) kron X' X / n: the
        eigenvalues of X' X / n, divided by K (and zeros).
        """
        return 2 * self.num_classes / self.largest_moment

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
        lengths = [float(gradient.norm())]
        for _ in range(NUM_TRIAL_STEPS):
            W = W - lr * gradient
            gradient = self.problem.curvature_gradient(W)
            lengths.append(float(gradient.norm()))
        if grew := lengths[-1] > lengths[-2]:
            self.W, self.gradient = (each * (TINY / W.norm()) for each in (W, gradient))  # proportional, W being tiny
        return grew


def critical_row(problem: Softmax, seed: int) -> Row:
    """The critical learning rate at W = 0, predicted and found by descents from a tiny perturbation."""
    predicted = problem.critical_rate
    measured = bisect_rate(Perturbation(problem, seed).grows)
    return {"problem": "softmax", "seed": seed, "predicted": predicted, "measured": measured}


def losses(problem: Softmax, lr: float, num_steps: int) -> list[float]:
    """The loss at W = 0 and after each step of full-batch descent."""
    W, found = problem.zeros(), [problem.loss(problem.zeros())]
    for _ in range(num_steps):
        W = W - lr * problem.gradient(W)
        found.append(problem.loss(W))
    return found


def curvature_rows(problem: Softmax, num_steps: int, seed: int) -> list[Row]:
    """The largest eigenvalue of the Hessian as descent from 0 goes on, at the first of CURVE_FACTORS.

    By power iteration, which comes to it from below. A row at 0, NUM_LOOKS rows at even distances.
    """
    lr, W = CURVE_FACTORS[0] * problem.critical_rate, problem.zeros()
    stream = generator(seed, "sgd_theory/power iteration")
    V = torch.randn(W.shape, generator=stream, dtype=torch.float64)
    looks = {round(look * num_steps / NUM_LOOKS) for look in range(NUM_LOOKS + 1)}
    rows: list[Row] = []
    for number in range(num_steps + 1):
        if number in looks:
            for _ in range(NUM_POWER_STEPS):
                V = problem.hessian_product(W, V / V.norm())
            rows.append({"step": number, "largest_eigenvalue": float(V.norm())})
        W = W - lr * problem.gradient(W)
    return rows


def curve_rows(problem: Softmax, num_steps: int) -> list[Row]:
    """The loss by step of full-batch descent from 0, at learning rates below and above the critical one."""
    rates = {factor: factor * problem.critical_rate for factor in CURVE_FACTORS}
    return [
        {"problem": "softmax", "factor": factor, "learning_rate": lr, "step": step, "loss": loss}
        for factor, lr in rates.items()
        for step, loss in enumerate(losses(problem, lr, num_steps))
    ]

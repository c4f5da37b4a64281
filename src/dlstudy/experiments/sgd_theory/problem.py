"""The problems that SGD is measured on: least squares, with all its moments known, and softmax regression."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.closed_form.least_squares import by_lstsq, with_ones
from dlstudy.core.dataset import Dataset

Row = dict[str, str | int | float]
"""Of a table."""

CHUNK: Final = 250  # images at a time: what fits into the processor's cache


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

        A descent is the same in every orthonormal basis: only the coordinates that tell it change.
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

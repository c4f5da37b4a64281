"""The least-squares problem that SGD is measured on, with all its moments known."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from dlstudy.closed_form.least_squares import least_squares
from dlstudy.core.dataset import Split


@dataclass(frozen=True)
class Problem:
    """Minimise the mean of (x w - y)^2 / 2 over the rows.

    X: (rows, coordinates) with a last column of ones for the bias, y: (rows,), optimum: (coordinates,); all float64.
    """

    X: Tensor
    y: Tensor
    optimum: Tensor

    @classmethod
    def of(cls, split: Split) -> "Problem":
        """The problem of a standardised split."""
        weights, bias = least_squares(split.features, split.targets)
        ones = torch.ones(len(split), 1, dtype=split.features.dtype)
        return cls(torch.cat([split.features, ones], 1), split.targets, torch.cat([weights, bias.unsqueeze(0)]))

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

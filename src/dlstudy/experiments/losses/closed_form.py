"""Classes by linear least squares on unit vectors, solved at once: what squared error makes of a linear classifier."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.dataset import Split

CHUNK: Final = 256
"""Images whose products are summed in float32: 256 x 255 x 255 is below 2^24, so that every sum is exact."""


def with_ones(images: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Raw pixels, and a 1 for the bias; (images, ...) -> (images, pixels + 1)."""
    return F.pad(images.flatten(1).to(dtype), (0, 1), value=1.0)


def moments(split: Split, num_classes: int) -> tuple[Tensor, Tensor]:
    """A'A (pixels + 1, pixels + 1) and A'Y (pixels + 1, classes), for the pixels and ones A and the unit vectors Y.

    Exact: sums of whole numbers, in float32 within a chunk (twice as fast) and in float64 over the chunks.
    """
    num_columns = split.features[0].numel() + 1
    inner = torch.zeros(num_columns, num_columns, dtype=torch.float64)
    outer = torch.zeros(num_columns, num_classes, dtype=torch.float64)
    for images, classes in zip(split.features.split(CHUNK), split.targets.split(CHUNK), strict=True):
        A = with_ones(images, torch.float32)  # (chunk, pixels + 1)
        Y = F.one_hot(classes, num_classes).float()  # (chunk, classes)
        inner += A.T @ A
        outer += A.T @ Y
    return inner, outer


def solve(inner: Tensor, outer: Tensor) -> Tensor:
    """Weights W (pixels + 1, classes) that minimise the sum of |A W - Y|^2: A'A W = A'Y (the normal equations).

    They square the condition number of A, but need 785 rows where A has 50,000. By the eigenvalues of A'A, of which
    those that are 0 but for rounding are left out: the solution of least norm, where pixels are collinear.
    """
    rounding = len(inner) * torch.finfo(inner.dtype).eps
    inverse: Tensor = torch.linalg.pinv(inner, rtol=rounding, hermitian=True)
    return inverse @ outer


def least_squares_outputs(train: Split, others: tuple[Split, ...], num_classes: int) -> tuple[Tensor, ...]:
    """The outputs (images, classes) on other splits of the linear model that fits the training split best.

    Raw pixels do: standardising them by one scale would change the weights, and none of the outputs.
    """
    weights = solve(*moments(train, num_classes))
    return tuple(with_ones(split.features) @ weights for split in others)

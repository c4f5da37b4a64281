"""The bound: one large matrix product of as many floating-point operations as an epoch's own products."""

from collections.abc import Callable
from typing import Final

import torch

from bench.setting import NUM_CLASSES, NUM_PIXELS, ModelName, matrix_product_flops, model_params

SIZE: Final = 2048  # rows and columns of the right-hand matrix: large enough for the best rate


def load(model: ModelName, max_images: int) -> Callable[[int], None]:
    """A function that does the floating-point operations of one epoch on so many images, at most `max_images`."""
    widths = (NUM_PIXELS, *model_params(model).hidden, NUM_CLASSES)
    left, right = torch.ones(num_rows(widths, max_images), SIZE), torch.ones(SIZE, SIZE)
    product = torch.ones_like(left)  # written once, so that its memory is there when time counts

    def epoch(num_images: int) -> None:
        rows = num_rows(widths, num_images)
        torch.mm(left[:rows], right, out=product[:rows])

    return epoch


def num_rows(widths: tuple[int, ...], num_images: int) -> int:
    """Rows of the left-hand matrix: a product (rows, SIZE) @ (SIZE, SIZE) takes 2 rows SIZE^2 operations."""
    return max(1, round(matrix_product_flops(widths, num_images) / (2 * SIZE**2)))

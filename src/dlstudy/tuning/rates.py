"""The grid of learning rates that are tried: quarters of a decade."""

import math
from typing import Final

PER_DECADE: Final = 4


def learning_rate(step: int) -> float:
    """10^(step/4), rounded to three significant digits: for people to read."""
    return float(f"{10 ** (step / PER_DECADE):.3g}")


def step_of(lr: float) -> int:
    """The step of a learning rate; ValueError if it is none of 10^(k/4)."""
    step = round(PER_DECADE * math.log10(lr))
    if not math.isclose(learning_rate(step), lr, rel_tol=0.01):
        raise ValueError(
            f"expected learning rates of quarters of a decade, such as {learning_rate(step):g}, found {lr:g}"
        )
    return step

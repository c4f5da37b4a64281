"""Softmax in floating point: where exp overflows, where a probability vanishes, and how log-sum-exp escapes both."""

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Context, Decimal, localcontext
from typing import Final

import pandas as pd
import torch

FORMATS: Final = {"float32": torch.float32, "float64": torch.float64}

HUGE: Final = (1000.0, 10.0, 1000.0)
"""The note's second example: 10 beside two outputs of 1000."""

NUM_DIGITS: Final = 60  # of exact work
SIZES: Final = (1e2, 1e3, 1e4, 1e5, 1e6)  # in place of 1000
GAPS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


def last_that(holds: Callable[[float], bool], dtype: torch.dtype, low: float, high: float) -> float:
    """The last number of a format, between two numbers, for which something holds that ends somewhere: by bisection.

    ValueError unless it holds at `low` and not at `high`.
    """
    if not holds(low) or holds(high):
        raise ValueError(f"expected what holds at {low} and not at {high}")
    while (middle := torch.tensor((low + high) / 2, dtype=dtype).item()) not in (low, high):
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def limits() -> pd.DataFrame:
    """One row per format and limit: where the format's smallest and largest numbers put it, and bisection finds it.

    overflow: the largest x whose exp(x) is finite, ln(largest number). vanishing: the largest gap g for which
    softmax(0, -g) leaves the second more than 0, -ln(half the smallest number above 0).
    """
    return pd.DataFrame(
        {"format": name, "limit": limit, "predicted": predicted, "measured": last_that(holds, dtype, 1.0, 2000.0)}
        for name, dtype in FORMATS.items()
        for limit, predicted, holds in _limits_of(dtype)
    )


def _limits_of(dtype: torch.dtype) -> Iterator[tuple[str, float, Callable[[float], bool]]]:
    """Each limit of a format, as predicted, and what holds up to it."""
    info = torch.finfo(dtype)
    yield "overflow", math.log(info.max), lambda x: bool(torch.tensor([x], dtype=dtype).exp().isfinite())
    vanishing = -(math.log(info.tiny) + math.log(info.eps) - math.log(2))
    yield "vanishing", vanishing, lambda gap: second_probability(gap, dtype) > 0


def second_probability(gap: float, dtype: torch.dtype) -> float:
    """The probability of the second output of softmax(0, -gap), as computed."""
    return torch.tensor([0.0, -gap], dtype=dtype).softmax(0)[1].item()


def gaps() -> pd.DataFrame:
    """One row per format and gap g: the probability of the second output of softmax(0, -g), as computed."""
    return pd.DataFrame(
        {"format": name, "gap": gap, "probability": second_probability(gap, dtype)}
        for name, dtype in FORMATS.items()
        for gap in GAPS
    )


def huge() -> pd.DataFrame:
    """One row per format and output of the note's second example: its probability, and whether the formula as written
    gives it a number at all (1 or 0).
    """
    tables = []
    for name, dtype in FORMATS.items():
        outputs = torch.tensor(HUGE, dtype=dtype)
        powers = outputs.exp()
        columns = {
            "format": name,
            "position": range(1, len(HUGE) + 1),
            "output": HUGE,
            "probability": outputs.softmax(0).tolist(),
            "defined_as_written": (powers / powers.sum()).isfinite().int().tolist(),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def exact_log_probabilities(outputs: Sequence[float]) -> list[Decimal]:
    """The logarithms of softmax, by the formula as written, to `NUM_DIGITS` digits and with exponents up to 10^9."""
    with localcontext(Context(prec=NUM_DIGITS, Emax=10**9, Emin=-(10**9))):
        powers = [Decimal(output).exp() for output in outputs]
        return [(power / sum(powers)).ln() for power in powers]


def log_probabilities() -> pd.DataFrame:
    """One row per output of (h, 10, h), for h from 100 to a million: its log-probability, exactly and in float64.

    computed: with the largest output subtracted first, o_k - max - ln sum_j exp(o_j - max), as PyTorch does.
    """
    rows = []
    for size in SIZES:
        outputs = (size, HUGE[1], size)
        found = torch.tensor(outputs, dtype=torch.float64).log_softmax(0).tolist()
        for position, exact, computed in zip((1, 2, 3), exact_log_probabilities(outputs), found, strict=True):
            error = float(abs((Decimal(computed) - exact) / exact))
            rows.append((size, position, float(exact), computed, error))
    return pd.DataFrame(rows, columns=["largest", "position", "exact", "computed", "error"])

"""What softmax is, on paper and in floating point: on the note's examples, extreme outputs and trained logits.

softmax(o)_k = exp(o_k) / sum_j exp(o_j). Logits are (images, classes), one tensor a seed.
"""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Final

import pandas as pd
import torch
from torch import Tensor

from dlstudy.experiments.softmax_identities.limits import FORMATS, HUGE, NUM_DIGITS, exact_log_probabilities, last_that

CONFIDENT: Final = (0.1, 10.0, 0.1)
"""The note's first example: an output 100 times the others."""

RATIO: Final = 100  # of the largest output to each of the others, in the first example
CONFIDENCE: Final = 0.99  # what we take "very confident" to mean
DIVISOR: Final = 3  # of trained logits, before numbers are added to them
NUM_SCALES_A_DECADE: Final = 10
SCALES: Final = tuple(10 ** (step / NUM_SCALES_A_DECADE) for step in range(-30, 21))  # times the note's outputs
SHIFTS: Final = (-1000.0, -10.0, 1.0, 10.0, 1000.0)  # up to the note's own largest output
EXTREMES: Final = (
    HUGE,
    (-1000.0, -10.0, -1000.0),
    (0.0, 0.0, 0.0),
    (1e4, -1e4, 9999.0),
    (88.0, 89.0, 104.0),
    (1e30, -1e30, 1e30),
)


def probability_of_largest(largest: float) -> float:
    """The probability of an output beside two others of a hundredth of it, in float64."""
    others = largest / RATIO
    return torch.tensor([others, largest, others], dtype=torch.float64).softmax(0)[1].item()


def scales() -> pd.DataFrame:
    """One row per scale: the note's first example, times that scale.

    predicted: 1 / (1 + 2 exp(-gap)), which knows the outputs by their difference alone.
    """
    rows = []
    for scale in SCALES:
        largest = scale * CONFIDENT[1]
        gap = largest - largest / RATIO
        rows.append((scale, largest, gap, 1 / (1 + 2 * math.exp(-gap)), probability_of_largest(largest)))
    return pd.DataFrame(rows, columns=["scale", "largest", "gap", "predicted", "probability"])


def shifts(logits: Mapping[str, Tensor]) -> pd.DataFrame:
    """One row per set of outputs and a number: by how much adding it to all outputs changes any probability (float64).

    On paper exp(c) cancels. What is left is rounding: outputs near c = 1000 are kept to about 1e-13. The sets are the
    note's example and the logits at another temperature, in float64, whose digits a third fills: a float32 logit and
    1000 have a float64 sum without rounding, and adding to the logits themselves would test nothing.
    """
    outputs_by_name = {"the note's example": torch.tensor([CONFIDENT], dtype=torch.float64)}
    outputs_by_name |= {name: values.double() / DIVISOR for name, values in logits.items()}
    rows = []
    for name, outputs in outputs_by_name.items():
        before = outputs.softmax(-1)
        for shift in SHIFTS:
            change = ((outputs + shift).softmax(-1) - before).abs().max().item()
            rows.append({"outputs": name, "shift": shift, "change": change})
    return pd.DataFrame(rows)


def sums(logits: Mapping[str, Tensor]) -> pd.DataFrame:
    """One row per set of outputs (logits, then extreme ones) and format: how far their probabilities' sum is from 1."""
    rows = []
    for name, outputs in {**logits, "extreme outputs": torch.tensor(EXTREMES)}.items():
        for kind, dtype in FORMATS.items():
            probabilities = outputs.to(dtype).softmax(-1)
            error = (probabilities.double().sum(-1) - 1).abs().max().item()
            rows.append({"outputs": name, "format": kind, "error": error})
    return pd.DataFrame(rows)


def trained(logits: Mapping[int, Tensor]) -> pd.DataFrame:
    """One row per seed: what holds of its trained logits.

    num_zero: probabilities that are 0 in float32. num_moved: images whose most probable class is not that of the
    largest output. two_class, log_error: see `two_class_error`, `near_certain_error`.
    """
    rows = []
    for seed, values in logits.items():
        probabilities = values.softmax(1)
        rows.append(
            {
                "seed": seed,
                "num_images": len(values),
                "num_zero": int((probabilities == 0).sum()),
                "smallest": probabilities.min().item(),
                "num_moved": int((probabilities.argmax(1) != values.argmax(1)).sum()),
                "two_class": two_class_error(values),
                "log_error": near_certain_error(values),
            }
        )
    return pd.DataFrame(rows)


def two_class_error(logits: Tensor) -> float:
    """The largest |softmax(a, b)_1 - sigmoid(a - b)| over all pairs (a, b) of an image's logits, in float64."""
    pairs = torch.tensor(list(combinations(range(logits.shape[1]), 2)))  # (pairs, 2)
    chosen = logits.double()[:, pairs]  # (images, pairs, 2)
    first, second = chosen.unbind(2)
    return (chosen.softmax(2)[..., 0] - (first - second).sigmoid()).abs().max().item()


def near_certain_error(logits: Tensor) -> float:
    """The largest relative error of the largest log-probability of an image, in float64.

    Near a probability of 1 the logarithm is near 0 and loses digits in ln(1 + tiny); -log1p of the sum of the others'
    powers does not, and is the measure here.
    """
    values = logits.double()
    largest, best = values.max(1, keepdim=True)
    others = (values - largest).exp().scatter(1, best, 0.0).sum(1)  # (images,)
    exact = -others.log1p()
    found = values.log_softmax(1).amax(1)
    size = exact.abs().clamp(min=torch.finfo(exact.dtype).tiny)  # 0 where the others vanish altogether
    return ((found - exact).abs() / size).max().item()


def facts() -> dict[str, object]:
    """Single numbers: both examples of the note, and from which largest output on the first is "very confident"."""
    threshold = math.log(2 * CONFIDENCE / (1 - CONFIDENCE)) / (1 - 1 / RATIO)
    measured = last_that(lambda largest: probability_of_largest(largest) <= CONFIDENCE, torch.float64, 0.0, 100.0)
    log_probability = float(exact_log_probabilities(HUGE)[1])
    return {
        "ratio": RATIO,
        "confidence": CONFIDENCE,
        "example": list(CONFIDENT),
        "example_probability": probability_of_largest(CONFIDENT[1]),
        "small_example": [output / RATIO for output in CONFIDENT],
        "small_example_probability": probability_of_largest(CONFIDENT[1] / RATIO),
        "threshold_predicted": threshold,
        "threshold_measured": measured,
        "divisor": DIVISOR,
        "num_digits": NUM_DIGITS,
        "huge": list(HUGE),
        "huge_log_probability": log_probability,
        "huge_log10_probability": log_probability / math.log(10),
        "smallest_float64": math.ulp(0.0),
    }

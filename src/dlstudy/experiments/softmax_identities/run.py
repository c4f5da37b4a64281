"""What softmax is, on paper and in floating point: on the note's examples, extreme outputs and trained logits.

softmax(o)_k = exp(o_k) / sum_j exp(o_j). Logits are (images, classes), one tensor a seed.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, localcontext
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.base.dataset import Dataset, load_dataset
from dlstudy.core.networks import Parameters, load_runs
from dlstudy.core.params import SgdParams
from dlstudy.evaluation.scores import network_outputs

SECTION = "train.softmax_regression"  # of params.yaml, in place of one below `experiments`
PARAMS = SgdParams

FORMATS: Final = {"float32": torch.float32, "float64": torch.float64}

HUGE: Final = (1000.0, 10.0, 1000.0)  # the note's second example: 10 beside two outputs of 1000
NUM_DIGITS: Final = 60  # of exact work
SIZES: Final = (1e2, 1e3, 1e4, 1e5, 1e6)  # in place of 1000
GAPS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

CONFIDENT: Final = (0.1, 10.0, 0.1)  # the note's first example: an output 100 times the others
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


def load() -> tuple[Dataset, dict[int, Parameters]]:
    """The images and the trained softmax regressions, by seed."""
    return load_dataset(Path("data/prepared/images.pt")), load_runs(Path("models/softmax_regression.pt"))


def run(inputs: tuple[Dataset, dict[int, Parameters]], params: SgdParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of identities in exact and in floating-point arithmetic, and the facts."""
    images, runs = inputs
    return findings(network_outputs(images, images.validation, runs, params))


def findings(logits: Mapping[int, Tensor]) -> dict[str, Any]:
    """The same, from the logits (images, classes) of each seed."""
    by_name = {f"seed {seed}": values for seed, values in logits.items()}
    return {
        "scales": scales(),
        "shifts": shifts(by_name),
        "limits": limits(),
        "huge": huge(),
        "log_probabilities": log_probabilities(),
        "gaps": gaps(),
        "sums": sums(by_name),
        "trained": trained(logits),
        "facts": facts(),
    }


# --- Limits of the formats: where exp overflows, where a probability vanishes, how log-sum-exp escapes both ---


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
    """One row per format and output of the second example: its probability; 1 where the formula as written has one."""
    rows = []
    for name, dtype in FORMATS.items():
        outputs = torch.tensor(HUGE, dtype=dtype)
        powers = outputs.exp()
        found = zip(HUGE, outputs.softmax(0).tolist(), (powers / powers.sum()).isfinite().int().tolist(), strict=True)
        rows += [(name, position, *values) for position, values in enumerate(found, start=1)]
    return pd.DataFrame(rows, columns=["format", "position", "output", "probability", "defined_as_written"])


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


# --- The note's examples and trained logits ---


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
    return pd.DataFrame(
        {"outputs": name, "format": kind, "error": (each.to(dtype).softmax(-1).double().sum(-1) - 1).abs().max().item()}
        for name, each in {**logits, "extreme outputs": torch.tensor(EXTREMES)}.items()
        for kind, dtype in FORMATS.items()
    )


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

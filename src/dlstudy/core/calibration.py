"""Whether the probabilities of a classifier may be trusted, and one number that mends them: the temperature.

Of what a classifier calls 80 % sure, 80 % should be right: then it is calibrated. Guo, Pleiss, Sun and Weinberger,
"On Calibration of Modern Neural Networks", ICML 2017 (arXiv 1706.04599). Everywhere logits are (examples, classes),
classes (examples,); the work is done in float64.
"""

import math
from typing import Final

import pandas as pd
import torch
from scipy.optimize import brentq
from torch import Tensor

from dlstudy.core.networks import cross_entropy

NUM_BINS: Final = 15  # of the confidence, as in Guo et al.

TEMPERATURE_RANGE: Final = (1e-3, 1e3)
"""Where a temperature is sought. With every class predicted right the best one would be 0: the lower end is given."""


def nll(logits: Tensor, classes: Tensor) -> float:
    """The mean negative log-likelihood, -log softmax(logits)[class], in nats an example."""
    return cross_entropy(logits.double(), classes).item()


def fit_temperature(logits: Tensor, classes: Tensor) -> float:
    """The temperature T, within `TEMPERATURE_RANGE`, for which logits / T have the smallest negative log-likelihood.

    In b = 1 / T the likelihood's slope, the mean of sum_k softmax(b z)_k z_k - z_class, never falls (the loss is
    convex in b), so that its only zero is the minimum; it is found to a relative 1e-12.
    """
    values = logits.double()
    of_class = values.gather(1, classes.unsqueeze(1)).squeeze(1)  # (examples,)

    def slope(log_inverse: float) -> float:
        probabilities = (math.exp(log_inverse) * values).softmax(1)
        return ((probabilities * values).sum(1) - of_class).mean().item()

    lowest, highest = (-math.log(temperature) for temperature in reversed(TEMPERATURE_RANGE))
    if slope(lowest) >= 0:  # worse than guessing: the flatter the better
        return TEMPERATURE_RANGE[1]
    if slope(highest) <= 0:  # all right: the sharper the better
        return TEMPERATURE_RANGE[0]
    return math.exp(-float(brentq(slope, lowest, highest, xtol=1e-12)))


def _edges(num_bins: int) -> Tensor:
    return torch.linspace(0, 1, num_bins + 1, dtype=torch.float64)


def reliability(logits: Tensor, classes: Tensor, num_bins: int = NUM_BINS) -> pd.DataFrame:
    """One row per bin of confidence, from the lowest; bins without examples are left out.

    The confidence of an example is the probability of its predicted class. Bins are equally wide, (low, high], and
    have the number of examples, their mean confidence and their accuracy.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    edges = _edges(num_bins)
    bins = torch.bucketize(confidence, edges) - 1  # (examples,); edges[bin] < confidence <= edges[bin + 1]
    num = torch.bincount(bins, minlength=num_bins)
    kept = num > 0
    columns = {
        "bin": torch.arange(num_bins),
        "low": edges[:-1],
        "high": edges[1:],
        "num": num,
        "confidence": torch.bincount(bins, weights=confidence, minlength=num_bins) / num,
        "accuracy": torch.bincount(bins, weights=(predicted == classes).double(), minlength=num_bins) / num,
    }
    return pd.DataFrame({name: values[kept].numpy() for name, values in columns.items()})


def ece(logits: Tensor, classes: Tensor, num_bins: int = NUM_BINS) -> float:
    """The expected calibration error: the mean over the bins, weighted by examples, of |accuracy - confidence|."""
    table = reliability(logits, classes, num_bins)
    gaps = (table["accuracy"] - table["confidence"]).abs()
    return float((table["num"] * gaps).sum() / len(classes))


def chance_ece(logits: Tensor, num_bins: int = NUM_BINS) -> float:
    """The error (as `ece`) that chance alone gives a classifier whose probabilities are exactly right.

    Of n examples in a bin, right with probabilities c_i, the number right has variance s^2 = sum c_i (1 - c_i) and, as
    a nearly normal one, the mean absolute deviation s sqrt(2 / pi). ECE is the sum of these deviations over all
    examples: it is above 0 even then.
    """
    confidence = logits.double().softmax(1).amax(1)
    bins = torch.bucketize(confidence, _edges(num_bins)) - 1
    variance = torch.bincount(bins, weights=confidence * (1 - confidence), minlength=num_bins)
    return (variance.sqrt().sum() * math.sqrt(2 / math.pi) / len(confidence)).item()

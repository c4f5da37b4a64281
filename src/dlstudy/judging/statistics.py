"""The statistics of verdicts: paired differences, intervals, exact tests, and many tests at once.

Of SciPy only `scipy.special` is used, which is loaded when a function first needs it: `scipy.stats` takes longer to
import than all verdicts take to compute.
"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["above", "below"]

ROUNDING: Final = 1e-12  # relative to the largest value: values that differ by less count as equal
MOST_EXACT_PAIRS: Final = 13  # up to so many differences, all 2^n flips of their signs are counted
NUM_RANDOM_FLIPS: Final = 9999  # beyond that
NUM_REPLICATES: Final = 2000  # with other draws a bound moves by some 3 % of its distance from the mean


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it; of no width where the estimate is exact."""

    estimate: float
    low: float
    high: float

    def inside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies strictly between two bounds."""
        return low < self.low and self.high < high

    def outside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies strictly below or above two bounds."""
        return self.high < low or self.low > high


def paired_differences(first: "pd.Series[float]", second: "pd.Series[float]") -> "pd.Series[float]":
    """The differences first - second, one per seed; both are indexed by seed, in any order.

    Pairing removes what a seed gives to both: the division of the data, the order of the minibatches, the pattern of
    the initial weights. ValueError unless both have the same seeds, each once: what is not paired is not compared.
    """
    for values in (first, second):
        if not values.index.is_unique:
            raise ValueError(f"expected each seed once, found {sorted(values.index.tolist())}")
        if values.isna().any():
            raise ValueError(f"expected a value for each seed, found none for {values.index[values.isna()].tolist()}")
    if set(first.index) != set(second.index):
        raise ValueError(f"expected the same seeds, found {sorted(first.index)} and {sorted(second.index)}")
    ordered = first.sort_index()
    return ordered - second.loc[ordered.index]


def checked(values: Sequence[float]) -> NDArray[np.float64]:
    """The values as an array; ValueError where there are none or one is not finite: a comparison with NaN is false."""
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size or not np.isfinite(sample).all():
        raise ValueError(f"expected finite values, found {sample.tolist()}")
    return sample


# --- Intervals ---


def t_interval(values: Sequence[float], confidence: float, *, inflation: float = 0.0) -> Interval:
    """The mean of independent values with its t interval: mean +- t s sqrt(1/n + inflation).

    A single value, or values that are equal up to rounding, give an interval of no width. (At ten values a BCa
    bootstrap covers some 91 % of what it says 95 % of; the t interval covers 95 %, of normal values exactly.)
    """
    sample = checked(values)
    mean, num = float(sample.mean()), len(sample)
    if num == 1 or np.ptp(sample) <= ROUNDING * np.abs(sample).max():
        return Interval(mean, mean, mean)
    power = int(np.frexp(np.abs(sample).max())[1])  # scaled to about 1, no square of it over- or underflows
    deviation = float(np.ldexp(np.ldexp(sample, -power).std(ddof=1), power))
    reach = t_quantile(confidence, num) * math.sqrt(1 / num + inflation) * deviation
    return Interval(mean, mean - reach, mean + reach)


@cache
def t_quantile(confidence: float, num: int) -> float:
    """How many standard errors a two-sided t interval of `num` values reaches."""
    return float(scipy.special.stdtrit(num - 1, (1 + confidence) / 2))


@cache
def z_quantile(confidence: float) -> float:
    """How many standard errors a two-sided normal interval reaches."""
    return float(scipy.special.ndtri((1 + confidence) / 2))


def share_interval(num_found: int, num: int, confidence: float) -> Interval:
    """The share of `num` independent cases that were found, with Wilson's interval (JASA 22, 1927)."""
    if num < 1:
        raise ValueError(f"expected a share of at least 1 case, found {num}")
    z, share = z_quantile(confidence), num_found / num
    centre = (share + z**2 / (2 * num)) / (1 + z**2 / num)
    reach = z / (1 + z**2 / num) * math.sqrt(share * (1 - share) / num + z**2 / (4 * num**2))
    return Interval(share, 0.0 if num_found == 0 else centre - reach, 1.0 if num_found == num else centre + reach)


def crossed_replicates(
    first: NDArray[np.bool_], second: NDArray[np.bool_], num_replicates: int = NUM_REPLICATES
) -> NDArray[np.float64]:
    """Bootstrap replicates of a difference of mean accuracies.

    Both arrays are (seeds, images), true where an image is classified right, with the same images in the same order;
    ValueError where their numbers differ. Images are drawn once for both, as both are right about the easy ones; the
    seeds of each by themselves, since those of different networks are not paired. Drawing rows and columns together is
    the pigeonhole bootstrap (Owen, Annals of Applied Statistics 1, 2007). Of n seeds n - 1 are drawn, which keeps few
    from understating their variance (Rao and Wu, JASA 83, 1988). What seed and image bring about together is counted
    twice: where seeds hardly differ otherwise, two of them make the interval up to two fifths too wide. All sums are
    whole numbers, so that their order does not matter.
    """
    num_images = first.shape[1]
    if second.shape[1] != num_images:
        raise ValueError(f"expected the same images for both, found {num_images} and {second.shape[1]}")
    counts, drawn = _image_draws(num_images, num_replicates)
    generator, means = deepcopy(drawn), []
    for right in (first.astype(np.float64), second.astype(np.float64)):
        scores = np.stack([right @ each for each in counts], axis=1)  # (seeds, replicates): images that are right
        num_drawn = max(1, len(scores) - 1)
        seeds = generator.integers(len(scores), size=(num_drawn, num_replicates))
        means.append(np.take_along_axis(scores, seeds, axis=0).sum(axis=0) / (num_drawn * num_images))
    return np.asarray(means[0] - means[1])


@lru_cache(maxsize=1)  # all that is compared is about the same images
def _image_draws(num_images: int, num_replicates: int) -> tuple[NDArray[np.uint8], np.random.Generator]:
    """How often each replicate draws each image, (replicates, images), and the generator then, to be copied.

    A byte is enough: of n images drawn n times, the most frequent one of 10,000 is drawn some 8 times.
    """
    generator = np.random.default_rng(0)
    draws = (generator.integers(num_images, size=num_images) for _ in range(num_replicates))
    return np.stack([np.bincount(drawn, minlength=num_images).astype(np.uint8) for drawn in draws]), generator


# --- Tests ---


def sign_flip_p(differences: Sequence[float], side: Side) -> float:
    """The one-sided p-value of differences whose signs would be as likely either way if there were no effect.

    Exact, over all 2^n flips, up to 13 differences; beyond that, over 9,999 random ones and the one observed. The
    statistic is the mean; flips that give the same up to rounding count as ties. Small where the mean lies on `side`.
    """
    sample = checked(differences)
    sums = _flips(len(sample)) @ sample  # (flips,)
    slack = ROUNDING * float(np.abs(sample).sum())
    found = sums <= sample.sum() + slack if side == "below" else sums >= sample.sum() - slack
    return float(found.mean())


def joint_sign_flip_p(samples: Sequence[Sequence[float]]) -> float:
    """The p-value of the lowest of several means, of paired samples with the same seeds in the same order.

    All samples are flipped together, seed by seed, so that what they have in common stays; the statistic is the lowest
    mean, each in units of its sample's root mean square, which no flip changes. It is small where at least one mean is
    below 0, whichever: nothing is left to correct for.
    """
    table = np.stack([checked(each) for each in samples])  # (samples, seeds)
    sizes = np.sqrt(np.square(table).mean(axis=1, keepdims=True))
    table = np.divide(table, sizes, out=np.zeros_like(table), where=sizes > 0)
    lowest = (_flips(table.shape[1]) @ table.T).min(axis=1)  # (flips,)
    slack = ROUNDING * table.shape[1]
    return float((lowest <= table.sum(axis=1).min() + slack).mean())


@cache
def _flips(num: int) -> NDArray[np.float64]:
    """Signs, a row per flip, one of which changes nothing: shape (flips, num)."""
    if num <= MOST_EXACT_PAIRS:
        bits = np.arange(2**num)[:, np.newaxis] >> np.arange(num) & 1
        return np.where(bits, -1.0, 1.0)
    drawn = np.random.default_rng(0).choice([-1.0, 1.0], size=(NUM_RANDOM_FLIPS, num))
    return np.vstack([np.ones((1, num)), drawn])


def share_p(num_found: int, num: int, bound: float, side: Side) -> float:
    """The binomial tail: the p-value of a share of `num` cases that lies above or below a bound."""
    return float(
        scipy.special.bdtr(num_found, num, bound) if side == "below" else scipy.special.bdtrc(num_found - 1, num, bound)
    )


def least_num_pairs(confidence: float) -> int:
    """How many pairs a one-sided sign-flip test needs to reach its level at all: 2^-n <= 1 - confidence."""
    return math.ceil(-math.log2(1 - confidence))


def holm(p_values: Mapping[str, float | None]) -> dict[str, float]:
    """Each p-value adjusted for all of them (Holm, Scandinavian Journal of Statistics 6, 1979).

    The k-th smallest of m is multiplied by m - k + 1, and none may come out below a smaller one. None, of a test that
    decides nothing, counts as 1.
    """
    known = {name: 1.0 if value is None else value for name, value in p_values.items()}
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(known, key=lambda name: (known[name], name))):
        largest = max(largest, min(1.0, (len(known) - rank) * known[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in known}

"""The statistics of verdicts: paired differences, their intervals and tests, and many tests at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Alternative = Literal["less", "greater", "two-sided"]

ROUNDING: Final = 1e-12
"""Relative to the largest value: what differs by less is taken for equal."""

MOST_EXACT_PAIRS: Final = 13
"""Up to so many differences all 2^n flips of their signs are counted."""

NUM_RANDOM_FLIPS: Final = 9999


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it."""

    estimate: float
    low: float
    high: float

    def inside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies between two bounds."""
        return low < self.low and self.high < high

    def outside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies below or above two bounds."""
        return self.high < low or self.low > high


def paired_differences(first: "pd.Series[float]", second: "pd.Series[float]") -> "pd.Series[float]":
    """The differences first - second, one a seed; both are indexed by seed, in any order.

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


def _sample(values: Sequence[float]) -> NDArray[np.float64]:
    """The values as an array; ValueError where there are none or one is not finite: a comparison with NaN is false."""
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size or not np.isfinite(sample).all():
        raise ValueError(f"expected finite values, found {sample.tolist()}")
    return sample


def all_equal(values: Sequence[float]) -> bool:
    """Whether the values are the same but for rounding, as those are that were computed exactly."""
    sample = _sample(values)
    return bool(np.ptp(sample) <= ROUNDING * np.abs(sample).max())


def _scaled(sample: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """The sample over a power of two, which brings it near 1, and the power: no square of it over- or underflows."""
    power = int(np.frexp(np.abs(sample).max())[1])
    return np.ldexp(sample, -power), power


def bootstrap_interval(
    values: Sequence[float], confidence: float, *, num_resamples: int = 9999, seed: int = 0
) -> Interval:
    """The mean of a sample and its bias-corrected and accelerated (BCa) bootstrap interval.

    Values that are all the same have an interval of no width, and so has a single one: what was computed exactly.
    Efron, Journal of the American Statistical Association 82, 1987.
    """
    sample = _sample(values)
    mean = float(sample.mean())
    if all_equal(values):
        return Interval(mean, mean, mean)
    scaled, power = _scaled(sample)
    found = stats.bootstrap(
        (scaled,),
        np.mean,
        confidence_level=confidence,
        n_resamples=num_resamples,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(np.ldexp(found.low, power)), float(np.ldexp(found.high, power)))


def median_interval(values: Sequence[float], confidence: float) -> Interval:
    """The median of a sample and its exact interval between two order statistics, whatever the distribution.

    The k-th smallest and the k-th largest value, k as large as it may be: both miss the median to one side with the
    probability that at most k - 1 of n fair coins show heads. ValueError where n is too small for any k. For times: a
    slow moment moves a mean, and a bootstrap of so few values knows little of a median.
    """
    sample = np.sort(_sample(values))
    tail = stats.binom.cdf(np.arange(len(sample)), len(sample), 0.5)
    k = int((2 * tail <= 1 - confidence).sum())
    if not k:
        least = least_num_pairs((1 + confidence) / 2)
        raise ValueError(f"expected {least} values at least for an interval at {confidence:g}, found {len(sample)}")
    return Interval(float(np.median(sample)), float(sample[k - 1]), float(sample[-k]))


def sign_flip_p(differences: Sequence[float], alternative: Alternative) -> float:
    """The p-value of differences whose signs would be as likely either way if there were no effect.

    Exact, over all 2^n flips, up to 13 differences; beyond that, over 9,999 random ones and the one observed. The
    statistic is the mean; flips that give the same but for rounding count as ties. Two-sided: twice the smaller tail.
    """
    sample = _sample(differences)
    sums = (_flips(len(sample)) * sample).sum(axis=1)  # (flips,)
    slack = ROUNDING * float(np.abs(sample).sum())
    tails = {
        "less": float((sums <= sample.sum() + slack).mean()),
        "greater": float((sums >= sample.sum() - slack).mean()),
    }
    return tails[alternative] if alternative != "two-sided" else min(1.0, 2 * min(tails.values()))


def joint_sign_flip_p(samples: Sequence[Sequence[float]]) -> float:
    """The p-value of the lowest of several means, of paired samples with the same seeds, one a place in each.

    All samples are flipped together, seed by seed, so that what they have in common stays; the statistic is the lowest
    mean, each in units of its sample's root mean square, which no flip changes: so that a sample of large numbers does
    not hide the others. It is small where at least one mean is below 0, whichever: nothing is left to correct for.
    """
    table = np.stack([_sample(each) for each in samples])  # (samples, seeds)
    sizes = np.sqrt(np.square(table).mean(axis=1, keepdims=True))
    table = np.divide(table, sizes, out=np.zeros_like(table), where=sizes > 0)
    lowest = (_flips(table.shape[1]) @ table.T).min(axis=1)  # (flips,)
    slack = ROUNDING * table.shape[1]
    return float((lowest <= table.sum(axis=1).min() + slack).mean())


def _flips(num: int) -> NDArray[np.float64]:
    """Signs, a row a flip, of which one changes nothing: shape (flips, num)."""
    if num <= MOST_EXACT_PAIRS:
        bits = np.arange(2**num)[:, np.newaxis] >> np.arange(num) & 1
        return np.where(bits, -1.0, 1.0)
    drawn = np.random.default_rng(0).choice([-1.0, 1.0], size=(NUM_RANDOM_FLIPS, num))
    return np.vstack([np.ones((1, num)), drawn])


def equivalence_p(differences: Sequence[float], margin: float) -> float:
    """The p-value of two one-sided tests (TOST): small where the differences lie within -margin and +margin.

    Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987; here with sign flips.
    """
    above, below = [value + margin for value in differences], [value - margin for value in differences]
    return max(sign_flip_p(above, "greater"), sign_flip_p(below, "less"))


def least_num_pairs(confidence: float) -> int:
    """How many pairs a one-sided sign-flip test needs to reach its level at all: 2^-n <= 1 - confidence."""
    return int(np.ceil(-np.log2(1 - confidence)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p-value adjusted for all of them (Holm, Scandinavian Journal of Statistics 6, 1979).

    The k-th smallest of m is multiplied by m - k + 1, and none may come out below a smaller one.
    """
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def share_interval(num_found: int, num: int, confidence: float) -> Interval:
    """The share of `num` that were found, with Wilson's interval (JASA 22, 1927)."""
    if num < 1:
        raise ValueError(f"expected a share of 1 case at least, found {num}")
    found = stats.binomtest(num_found, num).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(num_found / num, float(found.low), float(found.high))


def share_difference_interval(first: float, second: float, num: int, confidence: float) -> Interval:
    """The difference first - second of two shares of `num` cases each, with the normal interval of independent samples.

    Shares of the same cases mostly rise and fall together: of them this interval is too wide rather than too narrow.
    """
    if num < 1:
        raise ValueError(f"expected shares of 1 case at least, found {num}")
    error = np.sqrt((first * (1 - first) + second * (1 - second)) / num)
    reach = float(stats.norm.ppf((1 + confidence) / 2) * error)
    return Interval(first - second, first - second - reach, first - second + reach)


def higher_share_p(first: tuple[int, int], second: tuple[int, int]) -> float:
    """The p-value of two shares, each (found, of how many): small where the first is higher.

    Fisher's exact test, one-sided (Journal of the Royal Statistical Society 85, 1922).
    """
    table = [[found, num - found] for found, num in (first, second)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def repeated_cv_interval(differences: Sequence[float], confidence: float, *, num_folds: int) -> Interval:
    """The mean difference of repeated cross-validation, one a fold, with its corrected t interval.

    The training rows of the folds overlap, so that the differences are no independent sample: their variance is taken
    as (1/n + 1/(num_folds - 1)) s^2 in place of s^2 / n (Nadeau and Bengio, Machine Learning 52, 2003).
    ValueError with fewer than two differences or folds: they have no spread.
    """
    sample = _sample(differences)
    if min(len(sample), num_folds) < 2:
        raise ValueError(f"expected 2 differences and 2 folds at least, found {len(sample)} and {num_folds}")
    scaled, power = _scaled(sample)
    mean, deviation = float(sample.mean()), float(np.ldexp(scaled.std(ddof=1), power))
    error = np.sqrt(1 / len(sample) + 1 / (num_folds - 1)) * deviation
    reach = float(stats.t.ppf((1 + confidence) / 2, df=len(sample) - 1) * error)
    return Interval(mean, mean - reach, mean + reach)

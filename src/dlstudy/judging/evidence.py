"""What was measured: samples that say what their numbers are, and so have an interval and a p-value of their own."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from dlstudy.judging.statistics import (
    ROUNDING,
    Interval,
    Side,
    checked,
    crossed_replicates,
    least_num_pairs,
    share_interval,
    share_p,
    sign_flip_p,
    t_interval,
    t_quantile,
    z_quantile,
)


class Sample(ABC):
    """The values of one condition."""

    def problem(self, confidence: float) -> str:
        """Why there is too little for a verdict; "" if there is enough."""
        return ""

    @abstractmethod
    def interval(self, confidence: float) -> Interval: ...

    def p_value(self, bound: float, side: Side) -> float:
        """One-sided: small where the sample shows that its mean lies above or below the bound.

        NotImplementedError where no exact test is known.
        """
        raise NotImplementedError


def too_few(num: int, least: int, what: str) -> str:
    """The problem of a sample that has to have a number of seeds or the like."""
    return "" if num >= least else f"{num} {what}{'' if num == 1 else 's'}, where a verdict takes at least {least}"


@dataclass(frozen=True)
class Exact(Sample):
    """A number that was computed, not estimated."""

    value: float

    def interval(self, confidence: float) -> Interval:
        (value,) = checked([self.value])
        return Interval(float(value), float(value), float(value))

    def p_value(self, bound: float, side: Side) -> float:
        return 0.0 if (self.value > bound) == (side == "above") and self.value != bound else 1.0


@dataclass(frozen=True)
class PerSeed(Sample):
    """One value per seed; in a comparison, the paired differences."""

    values: Sequence[float]

    def problem(self, confidence: float) -> str:
        return too_few(len(self.values), least_num_pairs((1 + confidence) / 2), "seed")

    def interval(self, confidence: float) -> Interval:
        return t_interval(self.values, confidence)

    def p_value(self, bound: float, side: Side) -> float:
        return sign_flip_p([value - bound for value in self.values], side)


@dataclass(frozen=True)
class PerFold(Sample):
    """One value per fold of repeated cross-validation with `num_folds` folds. No exact test is known: folds overlap.

    The training rows of the folds overlap, so the values are not independent: the variance of their mean is taken as
    (1/n + 1/(num_folds - 1)) s^2 in place of s^2 / n (Nadeau and Bengio, Machine Learning 52, 2003).
    """

    values: Sequence[float]
    num_folds: int

    def problem(self, confidence: float) -> str:
        return too_few(self.num_folds, 2, "fold")

    def interval(self, confidence: float) -> Interval:
        if self.num_folds < 2:
            return t_interval([sum(self.values) / len(self.values)], confidence)
        return t_interval(self.values, confidence, inflation=1 / (self.num_folds - 1))


@dataclass(frozen=True, eq=False)
class PerImage(Sample):
    """Which images two models classify right, (seeds, images) each: judged by their difference in points.

    No exact test is known: seeds and images are drawn again together.
    """

    first: NDArray[np.bool_]
    second: NDArray[np.bool_]

    def problem(self, confidence: float) -> str:
        return too_few(min(len(self.first), len(self.second)), 2, "seed")

    def interval(self, confidence: float) -> Interval:
        low, high = np.quantile(self._replicates, [(1 - confidence) / 2, (1 + confidence) / 2])
        return Interval(100 * float(self.first.mean() - self.second.mean()), 100 * float(low), 100 * float(high))

    @cached_property
    def _replicates(self) -> NDArray[np.float64]:
        return crossed_replicates(self.first, self.second)


@dataclass(frozen=True)
class PerRound(Sample):
    """One value per timed round: judged by their median, since one slow moment moves a mean, but not a median."""

    values: Sequence[float]

    def problem(self, confidence: float) -> str:
        return too_few(len(self.values), least_num_pairs((1 + confidence) / 2), "round")

    def interval(self, confidence: float) -> Interval:
        """The exact one between the k-th smallest and the k-th largest value, whatever the distribution.

        k is as large as possible: each misses the median with the probability that at most k - 1 of n fair coins show
        heads. Where n is too small for any k, the whole range.
        """
        sample = np.sort(checked(self.values))
        tail = scipy.special.bdtr(np.arange(len(sample)), len(sample), 0.5)
        if not (k := int((2 * tail <= 1 - confidence).sum())):
            return Interval(float(sample[len(sample) // 2]), float(sample[0]), float(sample[-1]))
        return Interval(float(np.median(sample)), float(sample[k - 1]), float(sample[-k]))

    def p_value(self, bound: float, side: Side) -> float:
        return share_p(sum(value > bound for value in self.values), len(self.values), 0.5, side)


@dataclass(frozen=True)
class Count(Sample):
    """How many of independent cases."""

    found: int
    num: int

    def interval(self, confidence: float) -> Interval:
        return share_interval(self.found, self.num, confidence)

    def p_value(self, bound: float, side: Side) -> float:
        return share_p(self.found, self.num, bound, side)


@dataclass(frozen=True)
class Clusters(Sample):
    """How many of the cases of each cluster: cases of one cluster are not independent."""

    found: Sequence[int]
    nums: Sequence[int]

    def problem(self, confidence: float) -> str:
        return too_few(len(self.nums), 2, "cluster")

    def interval(self, confidence: float) -> Interval:
        """The share of all cases, with a t interval over the clusters.

        The ratio estimator of survey sampling: the variance is that of found - share * num between clusters (Cochran,
        Sampling Techniques, 3rd edition, 1977, section 9A).
        """
        if len(self.nums) < 2:
            return share_interval(sum(self.found), sum(self.nums), confidence)
        counts, sizes = checked(self.found), checked(self.nums)
        share = float(counts.sum() / sizes.sum())
        residuals = (counts - share * sizes) / sizes.mean()
        reach = t_quantile(confidence, len(counts)) * float(residuals.std(ddof=1)) / math.sqrt(len(counts))
        return Interval(share, max(0.0, share - reach), min(1.0, share + reach))

    def p_value(self, bound: float, side: Side) -> float:
        return sign_flip_p([found - bound * num for found, num in zip(self.found, self.nums, strict=True)], side)


@dataclass(frozen=True)
class TwoCounts(Sample):
    """Two independent counts, each (found, of how many): judged by the difference of their shares.

    Shares of the same cases mostly rise and fall together: of those the interval is too wide rather than too narrow.
    """

    first: tuple[int, int]
    second: tuple[int, int]
    least: int = 1  # cases that each has to have

    def problem(self, confidence: float) -> str:
        return too_few(min(self.first[1], self.second[1]), self.least, "case")

    def interval(self, confidence: float) -> Interval:
        """Method 10 of Newcombe, Statistics in Medicine 17, 1998: the two Wilson intervals, combined as squares."""
        one, other = (share_interval(found, num, confidence) for found, num in (self.first, self.second))
        difference = one.estimate - other.estimate
        below = math.hypot(one.estimate - one.low, other.high - other.estimate)
        above = math.hypot(one.high - one.estimate, other.estimate - other.low)
        return Interval(difference, difference - below, difference + above)

    def p_value(self, bound: float, side: Side) -> float:
        """Fisher's exact test, one-sided (Journal of the Royal Statistical Society 85, 1922)."""
        if bound:
            raise NotImplementedError("Fisher's exact test knows only a difference of 0")
        (found, num), (other, of) = (self.first, self.second) if side == "above" else (self.second, self.first)
        hits = np.arange(found, min(num, found + other) + 1)
        logs = _log_choose(num, hits) + _log_choose(of, found + other - hits) - _log_choose(num + of, found + other)
        return float(min(1.0, np.exp(logs).sum()))


def _log_choose(num: int, chosen: NDArray[np.int64] | int) -> NDArray[np.float64]:
    gammaln = scipy.special.gammaln
    return np.asarray(gammaln(num + 1) - gammaln(chosen + 1) - gammaln(num - chosen + 1))


@dataclass(frozen=True)
class Correlation(Sample):
    """Spearman's rank correlation over a number of cases, with its interval by Fisher's transformation.

    The standard error of atanh(r) is sqrt((1 + r^2 / 2) / (num - 3)): Bonett and Wright, Psychometrika 65, 2000.
    """

    value: float
    num: int

    def problem(self, confidence: float) -> str:
        return too_few(self.num, 4, "case")

    def interval(self, confidence: float) -> Interval:
        reach = z_quantile(confidence) * math.sqrt((1 + self.value**2 / 2) / max(1, self.num - 3))
        centre = math.atanh(max(-1 + ROUNDING, min(1 - ROUNDING, self.value)))
        return Interval(self.value, math.tanh(centre - reach), math.tanh(centre + reach))


@dataclass(frozen=True)
class Evidence:
    """What was measured."""

    samples: Mapping[str, Sample]  # one for each condition ("B = 16")
    num_seeds: int = 0  # 0 where no seed takes part
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the page says besides: numbers, words, lists
    faults: tuple[str, ...] = ()  # guards that failed; they make the verdict "invalid"
    # Of a condition, an activation as its own rival (A/A): if that is not equivalent, the margin cannot be resolved.
    again: Mapping[str, Sample] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)  # of conditions judged apart, such as ascending budgets
    spoilt: Mapping[str, Sequence[str]] = field(default_factory=dict)  # guards that failed in a condition: none of it
    aside: Mapping[str, Sample] = field(default_factory=dict)  # judged by the same rule for the page; decides nothing


def per_seed(values: Mapping[str, Sequence[float]]) -> dict[str, Sample]:
    """Samples of values that are one per seed, by condition."""
    return {name: PerSeed(tuple(found)) for name, found in values.items()}


def exact(values: Mapping[str, float]) -> dict[str, Sample]:
    """Samples of numbers that were computed, by condition."""
    return {name: Exact(float(found)) for name, found in values.items()}

"""What was measured: samples that say what their numbers are, and with it how sure one can be of their mean.

A sample has an interval and a one-sided p-value of its own: of seeds by Student's t and sign flips, of folds by the
corrected t, of networks on the same images by a bootstrap over seeds and images, of counts by Wilson and exact tests,
of timed rounds by order statistics, of exact values none.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlstudy.judging.statistics import (
    Interval,
    Side,
    checked,
    clustered_share_interval,
    crossed_replicates,
    higher_share_p,
    least_num_pairs,
    median_interval,
    rank_correlation_interval,
    repeated_cv_interval,
    share_difference_interval,
    share_interval,
    share_p,
    sign_flip_p,
    t_interval,
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
    """One value per fold of repeated cross-validation with `num_folds` folds. No exact test is known: folds overlap."""

    values: Sequence[float]
    num_folds: int

    def problem(self, confidence: float) -> str:
        return too_few(self.num_folds, 2, "fold")

    def interval(self, confidence: float) -> Interval:
        if self.num_folds < 2:
            return t_interval([sum(self.values) / len(self.values)], confidence)
        return repeated_cv_interval(self.values, confidence, num_folds=self.num_folds)


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
    """One value per timed round: judged by their median."""

    values: Sequence[float]

    def problem(self, confidence: float) -> str:
        return too_few(len(self.values), least_num_pairs((1 + confidence) / 2), "round")

    def interval(self, confidence: float) -> Interval:
        if self.problem(confidence):
            ordered = sorted(self.values)
            return Interval(ordered[len(ordered) // 2], ordered[0], ordered[-1])
        return median_interval(self.values, confidence)

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
        if len(self.nums) < 2:
            return share_interval(sum(self.found), sum(self.nums), confidence)
        return clustered_share_interval(self.found, self.nums, confidence)

    def p_value(self, bound: float, side: Side) -> float:
        return sign_flip_p([found - bound * num for found, num in zip(self.found, self.nums, strict=True)], side)


@dataclass(frozen=True)
class TwoCounts(Sample):
    """Two counts, each (found, of how many): judged by the difference of their shares."""

    first: tuple[int, int]
    second: tuple[int, int]
    least: int = 1  # cases that each has to have

    def problem(self, confidence: float) -> str:
        return too_few(min(self.first[1], self.second[1]), self.least, "case")

    def interval(self, confidence: float) -> Interval:
        return share_difference_interval(self.first, self.second, confidence)

    def p_value(self, bound: float, side: Side) -> float:
        if bound:
            raise NotImplementedError("Fisher's exact test knows only a difference of 0")
        pair = (self.first, self.second) if side == "above" else (self.second, self.first)
        return higher_share_p(*pair)


@dataclass(frozen=True)
class Correlation(Sample):
    """A rank correlation over a number of cases, with Fisher's interval (Bonett & Wright, Psychometrika 65, 2000)."""

    value: float
    num: int

    def problem(self, confidence: float) -> str:
        return too_few(self.num, 4, "case")

    def interval(self, confidence: float) -> Interval:
        return rank_correlation_interval(self.value, self.num, confidence)


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    samples: one for each condition ("B = 16"). again: for conditions that have one, their A/A control, an activation
    as its own rival; a condition whose control is not equivalent within the margin cannot resolve the margin. groups:
    for conditions that are judged apart, such as budgets in ascending order, the name of their group. spoilt: for
    conditions in which a guard failed, in what way; they decide nothing, and the others are judged all the same.
    """

    samples: Mapping[str, Sample]
    num_seeds: int = 0  # 0 where no seed takes part
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the page says besides: numbers, words, lists
    faults: tuple[str, ...] = ()  # guards that failed; they make the verdict "invalid"
    again: Mapping[str, Sample] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    spoilt: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aside: Mapping[str, Sample] = field(default_factory=dict)  # judged by the same rule for the page; decides nothing


def per_seed(values: Mapping[str, Sequence[float]]) -> dict[str, Sample]:
    """Samples of values that are one per seed, by condition."""
    return {name: PerSeed(tuple(found)) for name, found in values.items()}


def exact(values: Mapping[str, float]) -> dict[str, Sample]:
    """Samples of numbers that were computed, by condition."""
    return {name: Exact(float(found)) for name, found in values.items()}

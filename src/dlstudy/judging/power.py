"""What an undecided comparison could have found, and how many seeds would decide it, from its own spread."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy

from dlstudy.judging.evidence import PerSeed, Sample
from dlstudy.judging.rules import Rule, verdict_of
from dlstudy.judging.statistics import Interval, t_quantile
from dlstudy.study.params import JudgeParams

POWER: Final = 0.8
MOST_SEEDS: Final = 1000


@dataclass(frozen=True)
class _Imagined(Sample):
    """As many seeds with the same mean and spread: their t interval."""

    mean: float
    deviation: float
    num: int

    def interval(self, confidence: float) -> Interval:
        reach = t_quantile(confidence, self.num) * self.deviation / math.sqrt(self.num)
        return Interval(self.mean, self.mean - reach, self.mean + reach)


def smallest_effect(sample: PerSeed, settings: JudgeParams) -> float:
    """The true difference that these seeds would show with a probability of 80 %: (t + t') s / sqrt(n)."""
    num = len(sample.values)
    quantiles = t_quantile(settings.confidence, num) + float(scipy.special.stdtrit(num - 1, POWER))
    return quantiles * float(np.std(sample.values, ddof=1)) / math.sqrt(num)


def seeds_needed(sample: PerSeed, rule: Rule, settings: JudgeParams) -> int | None:
    """The smallest number of seeds with which the same mean and spread would be decided; None beyond 1,000."""
    mean, deviation = float(np.mean(sample.values)), float(np.std(sample.values, ddof=1))
    for num in range(len(sample.values), MOST_SEEDS + 1):
        if verdict_of(_Imagined(mean, deviation, num), rule, settings, settings.confidence) != "inconclusive":
            return num
    return None

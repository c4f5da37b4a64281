"""What an undecided comparison could have found."""

import numpy as np
import pytest
from scipy import stats

from dlstudy.judging.evidence import PerSeed
from dlstudy.judging.rules import Rule, verdict_of
from dlstudy.judging.tables import seeds_needed, smallest_effect
from dlstudy.study.params import JudgeParams

SETTINGS = JudgeParams(margin=0.5, confidence=0.95)


def scaled(mean, deviation, num=10):
    values = np.arange(num) - (num - 1) / 2
    return PerSeed((mean + deviation * values / values.std(ddof=1)).tolist())


def test_the_smallest_effect_is_found_in_four_of_five_studies():
    effect = smallest_effect(scaled(0.0, 1.0), SETTINGS)
    # the power of a two-sided t test at that effect, by the noncentral t; 80 % up to the usual approximation
    power = stats.nct.sf(stats.t.ppf(0.975, 9), 9, effect * np.sqrt(10))
    assert power == pytest.approx(0.8, abs=0.03)


def test_with_as_many_seeds_as_are_needed_the_same_mean_and_spread_decide():
    sample, rule = scaled(0.6, 1.5), Rule(region="better")
    assert verdict_of(sample, rule, SETTINGS, 0.95) == "inconclusive"
    needed = seeds_needed(sample, rule, SETTINGS)
    assert verdict_of(scaled(0.6, 1.5, needed), rule, SETTINGS, 0.95) == "supported"
    assert verdict_of(scaled(0.6, 1.5, needed - 1), rule, SETTINGS, 0.95) == "inconclusive"


def test_a_mean_at_the_border_is_not_decided_by_any_number_of_seeds():
    assert seeds_needed(scaled(1.0, 0.5), Rule(region="above", threshold=1.0), SETTINGS) is None

"""Each rule by each of its verdicts and at its borders; whether its words say what it does; whether it sees an effect.

A sample of one value, or of equal ones, has an interval of no width: it can be placed exactly at a border.
"""

import math

import numpy as np
import pandas as pd
import pytest

from dlstudy.judging.core import Evidence
from dlstudy.judging.rules import (
    AllHold,
    Always,
    AtMost,
    Below,
    Better,
    Different,
    Equivalent,
    NoException,
    NoGain,
    NonInferior,
    Predicted,
    Signed,
    Sometimes,
    decided_by_share,
    interval_of,
    too_few_seeds,
)
from dlstudy.judging.statistics import (
    Interval,
    bootstrap_interval,
    equivalence_p,
    paired_differences,
    repeated_cv_interval,
    sign_flip_p,
)
from dlstudy.study.judge import JudgeParams

SETTINGS = JudgeParams(margin=0.5, other_margins=(0.25, 1.0), confidence=0.95, num_resamples=999, seed=0)
STRICT = SETTINGS.model_copy(update={"margin": 0.25, "confidence": 0.99})
NOISE = (-0.9, 1.4, 0.3, -1.2, 0.1, -0.4, 1.1, 0.8, -0.2, -1.0)  # ten seeds: mean 0, standard deviation 0.9
COMPARISONS = (Better(), NonInferior(), Equivalent(), Different())


def around(centre: float, spread: float = 0.1) -> list[float]:
    """Ten seeds: the half width of their 95 % interval is about half the spread."""
    return [centre + spread * value for value in NOISE]


def decide(rule, settings=SETTINGS, num_seeds=0, **samples):
    return rule.decide(Evidence(samples, num_seeds=num_seeds), settings)


def verdict(rule, settings=SETTINGS, **samples):
    return decide(rule, settings, **samples).verdict


# --- Identities and counts ---


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(0.0, "supported"), (1e-8, "supported"), (np.nextafter(1e-8, 1), "refuted"), (1.0, "refuted")],
)
def test_at_most_takes_its_tolerance_itself(largest, expected):
    found = decide(AtMost(1e-8), a=[0.0, largest], b=[0.0])
    assert (found.verdict, found.estimate, found.low, found.high) == (expected, largest, largest, largest)


def test_at_most_names_the_condition_with_the_largest_error():
    found = decide(AtMost(1.0), a=[0.5, 0.1], b=[0.1, 0.7], c=[0.6])
    assert (found.where, found.estimate, found.threshold) == ("b", 0.7, 1.0)


@pytest.mark.parametrize(
    ("a", "b", "expected", "where"),
    [([0, 0], [0], "supported", ""), ([0, 0], [1], "refuted", "b"), ([2, 1], [2], "refuted", "a: 3; b: 2")],
)
def test_no_exception_is_refuted_by_one(a, b, expected, where):
    found = decide(NoException(), a=a, b=b)
    assert (found.verdict, found.where, found.estimate) == (expected, where, sum(a) + sum(b))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0.0, 0.0], [0.0, 0.0], "refuted"),
        ([1.0] * 10, [1.0] * 10, "refuted"),
        ([0.0] * 9, [0.0] * 8 + [1e-6], "supported"),
        ([1.0], [0.0], "supported"),
        ([0.999999] * 10, [1.0] * 10, "supported"),
    ],
)
def test_sometimes_is_neither_never_nor_always(a, b, expected):
    found = decide(Sometimes(), a=a, b=b)
    assert found.verdict == expected
    assert found.estimate == pytest.approx(np.mean([*a, *b]), rel=1e-12)


def test_the_interval_of_sometimes_is_that_of_the_seeds_and_not_of_the_conditions():
    """Two conditions far apart, in each of which every seed gives the same: another seed would change nothing."""
    found = decide(Sometimes(), num_seeds=10, a=[0.2] * 10, b=[0.6] * 10)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.4, 0.4, 0.4), rel=1e-12)
    found = decide(Sometimes(), num_seeds=10, a=around(0.2, 0.01), b=around(0.6, 0.01))
    interval = bootstrap_interval(around(0.4, 0.01), 0.95, num_resamples=999)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize(
    ("b", "expected"), [([1.0] * 10, "supported"), ([1.0] * 9 + [1 - 1e-6], "refuted"), ([0.0] * 10, "refuted")]
)
def test_always_is_refuted_by_one_case(b, expected):
    found = decide(Always(), a=[1.0] * 10, b=b, c=[1.0])
    assert found.verdict == expected
    assert found.estimate == pytest.approx(np.mean(b), rel=1e-12)


def test_always_names_the_condition_with_the_lowest_share():
    assert decide(Always(), a=[1.0, 0.9], b=[0.5, 1.0], c=[1.0]).where == "b"


def test_examples_agree_or_refute_but_never_prove():
    found = decide(AllHold(), a=[1], b=[1, 1], c=[1.0])
    assert (found.verdict, found.estimate, found.where) == ("consistent with", 1.0, "")
    found = decide(AllHold(), a=[1], b=[1, 0, 1], c=[0], d=[1])
    assert (found.verdict, found.estimate, found.where) == ("refuted", 0.5, "b, c")


# --- Predictions ---


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (1.0, "supported"),
        (1.04, "supported"),
        (0.96, "supported"),
        (1.05, "inconclusive"),  # at the border: neither strictly within nor beyond
        (0.95, "inconclusive"),
        (1.06, "refuted"),
        (0.94, "refuted"),
    ],
)
def test_a_ratio_that_was_computed_exactly(ratio, expected):
    assert verdict(Predicted(0.05), a=[ratio]) == verdict(Predicted(0.05), a=[ratio] * 4) == expected


@pytest.mark.parametrize(
    ("centre", "expected"), [(1.0, "supported"), (1.04, "inconclusive"), (1.06, "inconclusive"), (1.2, "refuted")]
)
def test_a_ratio_that_was_measured(centre, expected):
    found = decide(Predicted(0.05), a=around(centre, 0.05))
    interval = bootstrap_interval(around(centre, 0.05), 0.95, num_resamples=999)
    assert (found.verdict, found.low, found.high) == (expected, interval.low, interval.high)


def test_a_prediction_has_to_hold_under_every_condition_and_the_farthest_reaching_is_named():
    found = decide(Predicted(0.05), a=[1.01], b=around(1.0, 0.05), c=[0.99])
    assert (found.verdict, found.where) == ("supported", "b")
    found = decide(Predicted(0.05), a=[1.01], b=[0.93], c=[1.06])
    assert (found.verdict, found.where) == ("refuted", "b")
    found = decide(Predicted(0.05), a=[1.01], b=around(1.05, 0.01))
    assert (found.verdict, found.where) == ("inconclusive", "b")


def test_the_condition_that_refutes_a_prediction_is_the_one_shown():
    """The noisy one reaches farther from 1, but it holds 1: to show it would not tell why."""
    found = decide(Predicted(0.05), noisy=around(1.0, 2.0), missed=[1.06] * 10)
    assert (found.verdict, found.where, found.estimate) == ("refuted", "missed", pytest.approx(1.06))


def test_one_miss_among_many_conditions_takes_more_than_a_95_percent_interval():
    """A condition whose 95 % interval lies just beyond refutes alone, not as one of twenty."""
    values = around(1.0, 0.1)
    low_95, low_9975 = interval_of(values, SETTINGS).low, interval_of(values, SETTINGS, 1 - 0.05 / 20).low
    missed = [value + 1.05 - (low_95 + low_9975) / 2 for value in values]
    others = {f"B = {number}": [1.0] for number in range(19)}
    assert verdict(Predicted(0.05), missed=missed) == "refuted"
    assert verdict(Predicted(0.05), missed=missed, **others) == "inconclusive"


# --- Thresholds ---


@pytest.mark.parametrize(
    ("value", "expected"), [(1.9, "supported"), (2.0, "inconclusive"), (2.1, "refuted"), (-5.0, "supported")]
)
def test_below_leaves_its_border_out(value, expected):
    assert verdict(Below(2.0, "the value"), a=[value]) == expected


@pytest.mark.parametrize(("centre", "expected"), [(1.8, "supported"), (2.0, "inconclusive"), (2.2, "refuted")])
def test_below_is_decided_by_the_interval(centre, expected):
    assert verdict(Below(2.0, "the value"), a=around(centre, 0.2)) == expected


def test_below_names_the_highest_condition_or_the_one_that_refutes():
    rule = Below(2.0, "the value")
    assert decide(rule, a=[1.0], b=[1.5], c=[1.2]).where == "b"
    assert decide(rule, a=[1.0], b=around(1.9, 1.0)).where == "b"
    found = decide(rule, noisy=around(1.5, 9.0), high=[2.1] * 10)
    assert (found.verdict, found.where) == ("refuted", "high")


def test_one_high_among_many_conditions_takes_more_than_a_95_percent_interval():
    values = around(1.0, 0.1)
    low_95, low_9975 = interval_of(values, SETTINGS).low, interval_of(values, SETTINGS, 1 - 0.05 / 20).low
    high = [value + 2 - (low_95 + low_9975) / 2 for value in values]
    others = {f"B = {number}": [1.0] for number in range(19)}
    assert verdict(Below(2.0, "the value"), high=high) == "refuted"
    assert verdict(Below(2.0, "the value"), high=high, **others) == "inconclusive"


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([1.0, 1.0], "supported"),
        ([-9.0, -9.0], "supported"),
        ([2.0, 2.0], "inconclusive"),  # not above, and does not end below
        ([2.1, 2.1], "refuted"),
        ([2.0, 2.4, 2.2, 2.3, 2.1], "refuted"),
        ([-6.0, 12.0, 5.0, 9.0, -1.0], "inconclusive"),  # 3.8 %, but the interval reaches below 0
        ([0.5, 2.9, 1.4, 0.9, 1.8], "inconclusive"),  # above 0, but 1.5 % is no gain that matters
    ],
)
def test_a_gain_takes_both_its_size_and_its_interval(gains, expected):
    found = decide(NoGain(2.0), one=gains, two=gains)
    interval = repeated_cv_interval([*gains, *gains], 0.95, num_folds=len(gains))
    assert (found.verdict, found.estimate, found.low, found.high) == (
        expected,
        interval.estimate,
        interval.low,
        interval.high,
    )


def test_a_gain_by_one_fold_is_invalid():
    found = decide(NoGain(2.0), one=[1.0], two=[2.0])
    assert (found.verdict, found.estimate, found.reasons) == (
        "invalid",
        1.5,
        ("1 fold, where a verdict takes 2 at least",),
    )


# --- Comparisons ---


@pytest.mark.parametrize(
    ("rule", "difference", "expected"),
    [
        (Better(), 0.1, "supported"),
        (Better(), 0.0, "refuted"),  # reaches 0
        (Better(), -3.0, "refuted"),
        (NonInferior(), 0.0, "supported"),
        (NonInferior(), -0.4, "supported"),
        (NonInferior(), -0.5, "inconclusive"),
        (NonInferior(), -0.6, "refuted"),
        (Equivalent(), 0.0, "supported"),
        (Equivalent(), 0.4, "supported"),
        (Equivalent(), -0.4, "supported"),
        (Equivalent(), 0.5, "inconclusive"),
        (Equivalent(), -0.5, "inconclusive"),
        (Equivalent(), 0.6, "refuted"),
        (Equivalent(), -0.6, "refuted"),
        (Different(), 0.4, "refuted"),
        (Different(), 0.5, "inconclusive"),
        (Different(), -0.6, "supported"),
    ],
)
def test_a_difference_at_the_borders(rule, difference, expected):
    found = decide(rule, num_seeds=10, d=[difference] * 10)
    assert found.verdict == expected
    assert (found.estimate, found.low, found.high) == (pytest.approx(difference, rel=1e-12),) * 3  # the mean of ten


@pytest.mark.parametrize(
    ("rule", "centre", "spread", "expected"),
    [
        (Better(), 0.3, 0.2, "supported"),
        (Better(), 0.0, 0.2, "refuted"),
        (Better(), 0.3, 1.0, "inconclusive"),
        (Better(), 9.0, 1.0, "supported"),
        (NonInferior(), -0.2, 0.2, "supported"),
        (NonInferior(), 5.0, 0.2, "supported"),
        (NonInferior(), -0.5, 0.2, "inconclusive"),
        (NonInferior(), -0.8, 0.2, "refuted"),
        (Equivalent(), 0.2, 0.2, "supported"),
        (Equivalent(), -0.2, 0.2, "supported"),
        (Equivalent(), 0.0, 3.0, "inconclusive"),
        (Equivalent(), 0.5, 0.2, "inconclusive"),
        (Equivalent(), 0.8, 0.2, "refuted"),
        (Equivalent(), -0.8, 0.2, "refuted"),
        (Different(), 0.8, 0.2, "supported"),
        (Different(), 0.2, 0.2, "refuted"),
        (Different(), 0.0, 3.0, "inconclusive"),
    ],
)
def test_a_measured_difference(rule, centre, spread, expected):
    differences = around(centre, spread)
    found = decide(rule, num_seeds=10, d=differences)
    interval = bootstrap_interval(differences, 0.95, num_resamples=999)
    assert (found.verdict, found.estimate, found.low, found.high) == (
        expected,
        interval.estimate,
        interval.low,
        interval.high,
    )


def test_the_threshold_is_what_the_interval_is_held_against():
    assert [decide(rule, d=around(0.0)).threshold for rule in COMPARISONS] == [0.0, -0.5, 0.5, 0.5]


def test_better_is_judged_by_the_margin_only_to_refute_it():
    differences = around(0.3, 1.0)  # about -0.2 to 0.8
    wide = SETTINGS.model_copy(update={"margin": 3.0})
    assert [verdict(Better(), each, d=differences) for each in (SETTINGS, wide)] == ["inconclusive", "refuted"]


def test_p_values_are_of_what_the_verdict_asserts():
    """Ten differences that are all on one side: one flip of 1,024 is as extreme."""
    least = 1 / 1024
    for rule, centre, p_value in [
        (Better(), 0.4, 2 * least),
        (Better(), -0.4, least),  # below the margin
        (NonInferior(), 0.4, least),
        (NonInferior(), -1.4, least),
        (Equivalent(), 0.0, least),
        (Equivalent(), 1.4, 2 * least),
        (Equivalent(), -1.4, 2 * least),
        (Different(), 1.4, 2 * least),
        (Different(), 0.0, least),
    ]:
        found = decide(rule, d=around(centre))
        assert found.verdict in ("supported", "refuted")
        assert found.p_value == p_value, (rule, centre)
    for rule in COMPARISONS:
        found = decide(rule, d=around({Better(): 0.3, NonInferior(): -0.5}.get(rule, 0.5), 1.0))
        assert (found.verdict, found.p_value) == ("inconclusive", 1.0)


def test_p_values_are_shifted_by_the_margin():
    differences = around(-0.25, 0.3)
    shifted = [value + 0.5 for value in differences]
    assert decide(NonInferior(), d=differences).p_value == sign_flip_p(shifted, "greater") < 0.05
    assert decide(Equivalent(), d=differences).p_value == equivalence_p(differences, 0.5) < 0.05


@pytest.mark.parametrize(
    ("differences", "above", "below"),
    [
        ([0.1, 0.2, 0.3, 0.1, 0.2, 0.3], "supported", "refuted"),
        ([-0.1, -0.2, -0.3, -0.1, -0.2, -0.3], "refuted", "supported"),
        ([-0.3, 0.2, 0.3, -0.1, -0.2, 0.1], "inconclusive", "inconclusive"),
        ([0.1, 0.2], "invalid", "invalid"),
    ],
)
def test_a_sign_is_that_of_the_whole_interval(differences, above, below):
    found = {side: Signed(side).decide(Evidence({"a - b": differences}), SETTINGS) for side in ("above", "below")}
    assert (found["above"].verdict, found["below"].verdict) == (above, below)
    p_value = {"invalid": None, "inconclusive": 1.0}.get(above, 2 / 2**6)  # all six signs the one way or the other
    assert [each.p_value for each in found.values()] == [p_value] * 2


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.51, 0.9, "supported"), (0.1, 0.49, "refuted"), (0.5, 0.9, "inconclusive"), (0.1, 0.5, "inconclusive")],
)
def test_a_share_is_decided_by_its_whole_interval(low, high, verdict):
    found = decided_by_share(Interval(0.3, low, high), 0.5)
    assert (found.verdict, found.estimate, found.low, found.high, found.threshold) == (verdict, 0.3, low, high, 0.5)


def test_a_comparison_is_of_two():
    with pytest.raises(ValueError, match="too many values"):
        decide(Better(), a=around(0.0), b=around(0.0))


# --- Equivalence: the rule and broken ones ---


def it_is_tost(decided):
    """Samples whose 90 % and 95 % intervals lie on different sides of the margin, which tell the two tests apart."""
    values = around(0.0, 0.3)
    ends = {level: bootstrap_interval(values, level, num_resamples=999) for level in (0.9, 0.95)}
    between_highs = 0.5 - (ends[0.9].high + ends[0.95].high) / 2
    between_lows = 0.5 - (ends[0.9].low + ends[0.95].low) / 2
    inside_at_90 = [value + between_highs for value in values]
    outside_at_90 = [value + between_lows for value in values]
    assert decided(inside_at_90) == decided([-value for value in inside_at_90]) == "supported"
    assert decided(outside_at_90) == decided([-value for value in outside_at_90]) == "inconclusive"
    assert decided(around(0.0, 3.0)) == "inconclusive"  # no significant difference is no equivalence
    assert decided(around(0.3, 0.1)) == "supported"  # a significant one may be
    assert decided(around(1.0, 0.1)) == decided(around(-1.0, 0.1)) == "refuted"


def by_intervals(inner: float, outer: float):
    def decided(differences):
        if bootstrap_interval(differences, inner, num_resamples=999).inside(-0.5, 0.5):
            return "supported"
        beyond = bootstrap_interval(differences, outer, num_resamples=999).outside(-0.5, 0.5)
        return "refuted" if beyond else "inconclusive"

    return decided


def no_significant_difference(differences):
    return "supported" if sign_flip_p(differences, "two-sided") > 0.05 else "refuted"


def upper_side_only(differences):
    found = bootstrap_interval(differences, 0.9, num_resamples=999)
    return "supported" if found.high < 0.5 else "refuted" if found.low > 0.5 else "inconclusive"


def test_equivalence_is_two_one_sided_tests():
    it_is_tost(lambda differences: verdict(Equivalent(), d=differences))
    it_is_tost(by_intervals(inner=0.9, outer=0.95))


@pytest.mark.parametrize(
    "mutant",
    [
        by_intervals(inner=0.95, outer=0.95),
        by_intervals(inner=0.9, outer=0.9),
        by_intervals(inner=0.95, outer=0.9),
        no_significant_difference,
        upper_side_only,
    ],
    ids=["95 % inside", "90 % outside", "exchanged", "no significant difference", "upper side only"],
)
def test_broken_equivalence_is_caught(mutant):
    with pytest.raises(AssertionError):
        it_is_tost(mutant)


def it_sees_who_is_better(difference):
    """The first gains 0.6 points in every seed, where seeds differ by 20: seen only if subtracted rightly in pairs."""
    seeds = pd.Series(np.random.default_rng(1).normal(70, 20, 10))
    first = seeds + 0.6 + pd.Series(NOISE) / 10
    order = np.random.default_rng(2).permutation(10)
    assert verdict(Better(), d=difference(first, seeds.loc[order]).tolist()) == "supported"
    assert verdict(Equivalent(), d=difference(first - 0.6, seeds.loc[order]).tolist()) == "supported"


def test_verdicts_see_a_difference_through_the_noise_of_the_seeds():
    it_sees_who_is_better(paired_differences)


@pytest.mark.parametrize(
    "mutant",
    [
        lambda first, second: paired_differences(second, first),
        lambda first, second: first - second.to_numpy(),
        lambda first, second: first - second.sample(frac=1, random_state=0).to_numpy(),
    ],
    ids=["swapped", "by position", "shuffled"],
)
def test_verdicts_on_broken_pairs_are_caught(mutant):
    with pytest.raises(AssertionError):
        it_sees_who_is_better(mutant)


# --- Few seeds ---


@pytest.mark.parametrize("rule", [*COMPARISONS, Predicted(0.05), Below(2.0, "the value")])
@pytest.mark.parametrize(("num", "enough"), [(2, False), (3, False), (5, False), (6, True)])
def test_a_verdict_takes_as_many_seeds_as_a_two_sided_test(rule, num, enough):
    """2 x 2^-5 > .05 >= 2 x 2^-6. The estimate is shown all the same, and is the one measured."""
    values = [1 + 0.001 * value for value in NOISE[:num]]
    found = decide(rule, num_seeds=num, d=values)
    assert (found.verdict != "invalid") == enough
    assert found.reasons == (() if enough else (f"{num} seeds, where a verdict takes 6 at least",))
    assert found.estimate == pytest.approx(np.mean(values), rel=1e-12)
    assert found.low < found.estimate < found.high


def test_a_higher_confidence_takes_more_seeds():
    assert verdict(Better(), d=around(1.0)[:6]) == "supported"
    assert verdict(Better(), STRICT, d=around(1.0)[:6]) == "invalid"  # .01 takes 8
    assert verdict(Better(), STRICT, d=around(1.0)[:8]) == "supported"


@pytest.mark.parametrize("rule", COMPARISONS)
def test_equal_differences_of_few_seeds_are_no_exact_ones(rule):
    """Three seeds that agree have a p-value of .25; a difference without seeds was computed."""
    assert decide(rule, num_seeds=3, d=[1.0] * 3).verdict == "invalid"
    assert decide(rule, num_seeds=1, d=[1.0]).verdict == "invalid"
    assert decide(rule, num_seeds=0, d=[1.0]).verdict != "invalid"


@pytest.mark.parametrize("rule", [Predicted(0.05), Below(2.0, "the value")])
def test_a_single_seed_decides_nothing(rule):
    """Not even with a value well within: the next seed may give another."""
    found = decide(rule, num_seeds=1, a=[1.0], b=[1.01])
    assert (found.verdict, found.reasons) == ("invalid", ("1 seed, where a verdict takes 6 at least",))
    assert decide(rule, num_seeds=0, a=[1.0]).verdict == "supported"
    assert decide(rule, num_seeds=2, a=[1.0] * 2).verdict == "supported"  # as a bisection ends for every start


def test_the_condition_with_the_fewest_seeds_counts_and_exact_ones_do_not():
    assert too_few_seeds(Evidence({"a": around(1.0), "b": around(1.0)[:4], "c": [3.0]}), SETTINGS) == (
        "4 seeds, where a verdict takes 6 at least",
    )
    assert too_few_seeds(Evidence({"a": around(1.0), "c": [3.0], "d": [0.1 + 0.2, 0.3]}), SETTINGS) == ()


@pytest.mark.parametrize("rule", [*COMPARISONS, Predicted(0.05), Below(2.0, "the value"), Sometimes(), Always()])
@pytest.mark.parametrize(
    "values",
    [[0.0] * 10, [0.0] * 9 + [1e-17], [1.0] * 10, [0.0] * 9 + [1.0], [0.5] * 9 + [0.3 + 0.2], [0.4], [0.0, 1.0, 1.0]],
)
def test_every_decision_has_finite_numbers(rule, values):
    found = decide(rule, num_seeds=len(values), d=values)
    assert all(map(math.isfinite, (found.estimate, found.low, found.high, found.threshold)))
    slack = 1e-12
    assert found.low - slack <= found.estimate <= found.high + slack
    assert found.p_value is None or 0 < found.p_value <= 1


# --- Words ---

WORDS = {
    AtMost(1e-8): "Supported if the largest error is at most 1e-08, refuted if it is larger.",
    NoException(): "Supported if there is no counterexample, refuted by a single one.",
    Sometimes(): "Supported if the share of all cases lies strictly between 0 and 1, refuted if it is 0 or 1.",
    Always(): "Supported if the share is 1 under every condition, refuted by a single case; the lowest share is shown.",
    AllHold(): "Consistent with the evidence if every finding listed holds, refuted if one does not; no list is a "
    "proof.",
    Predicted(0.05): "Supported if the 95 % interval of measured / predicted lies strictly within 5 % of 1 under "
    "every condition; refuted if under one of them it lies wholly beyond (Bonferroni); else inconclusive. The "
    "condition whose interval reaches farthest from 1 is shown, or the one that refutes.",
    Below(2.0, "the ratio"): "Supported if the 95 % interval of the ratio lies below 2 under every condition, refuted "
    "if it lies above it under one (Bonferroni); else inconclusive. The condition whose interval reaches highest is "
    "shown, or the one that refutes.",
    NoGain(2.0): "Refuted if the gain is above 2 % and its 95 % interval above 0; supported if the interval ends below "
    "2 %; else inconclusive.",
    Better(): "Supported if the 95 % interval of the difference lies above 0; refuted if it reaches 0 or below and "
    "ends below 0.5 points; else inconclusive.",
    NonInferior(): "Supported if the 95 % interval of the difference lies above -0.5 points, refuted if it lies below; "
    "else inconclusive.",
    Equivalent(): "Supported if the 90 % interval of the difference lies strictly within ±0.5 points, refuted if the "
    "95 % interval lies outside; else inconclusive.",
    Different(): "Supported if the 95 % interval of the difference lies outside ±0.5 points, refuted if the 90 % "
    "interval lies strictly within; else inconclusive.",
    Signed("above"): "Supported if the 95 % interval of the difference lies above 0, refuted if it lies below; else "
    "inconclusive.",
    Signed("below"): "Supported if the 95 % interval of the difference lies below 0, refuted if it lies above; else "
    "inconclusive.",
}


@pytest.mark.parametrize(("rule", "words"), WORDS.items(), ids=[type(rule).__name__ for rule in WORDS])
def test_a_rule_says_what_it_does(rule, words):
    assert rule.words(SETTINGS) == words


@pytest.mark.parametrize("rule", COMPARISONS)
def test_words_follow_the_settings(rule):
    words = rule.words(STRICT)
    assert "0.5" not in words
    assert "95 %" not in words
    assert "99 %" in words
    assert ("98 %" in words) == isinstance(rule, Equivalent | Different)
    assert "0.25 points" in words


def as_the_protocol_says(rule, values, margin):
    """Section 2 of the protocol, written out from the intervals alone."""
    low, high = (getattr(bootstrap_interval(values, 0.95, num_resamples=299), end) for end in ("low", "high"))
    inner = bootstrap_interval(values, 0.9, num_resamples=299)
    match rule:
        case Better():
            supported, refuted = low > 0, high < margin and low <= 0
        case NonInferior():
            supported, refuted = low > -margin, high < -margin
        case Equivalent():
            supported, refuted = -margin < inner.low and inner.high < margin, high < -margin or low > margin
        case Predicted(tolerance):
            supported = 1 - tolerance < low and high < 1 + tolerance
            refuted = high < 1 - tolerance or low > 1 + tolerance
    assert not (supported and refuted)
    return "supported" if supported else "refuted" if refuted else "inconclusive"


@pytest.mark.parametrize("rule", [Better(), NonInferior(), Equivalent(), Predicted(0.5)])
def test_decisions_are_those_of_the_protocol_wherever_the_interval_lies(rule):
    found = set()
    for margin in (0.25, 0.5, 1.0):
        settings = SETTINGS.model_copy(update={"margin": margin, "num_resamples": 299})
        for spread in (0.05, 0.5, 2.0):
            for centre in np.linspace(-2, 2.5, 13):
                values = around(float(centre), spread)
                expected = as_the_protocol_says(rule, values, margin)
                assert verdict(rule, settings, d=values) == expected, (margin, spread, centre)
                found.add(expected)
    assert found == {"supported", "refuted", "inconclusive"}


# --- Whether the negative controls can do their work ---


def simulated(sd: float, effect: float, num: int = 300):
    """Paired differences of ten seeds that matter much to both, 300 times."""
    draw = np.random.default_rng(2026)
    for _ in range(num):
        seeds = draw.normal(88, 5, 10)
        second = pd.Series(seeds, index=pd.Index(draw.permutation(10)))
        first = second + effect + draw.normal(0, sd, 10)
        yield paired_differences(first.sort_index(), second).tolist()


def share_supported(rule, sd, effect):
    quick = SETTINGS.model_copy(update={"num_resamples": 299})
    return np.mean([verdict(rule, quick, d=differences) == "supported" for differences in simulated(sd, effect)])


def test_with_realistic_noise_the_same_is_equivalent_and_a_planted_point_is_found():
    """0.2 points over seeds: the interval reaches some 0.13 points, a quarter of the margin, an eighth of the point."""
    assert share_supported(Equivalent(), 0.2, 0.0) >= 0.99
    assert share_supported(Better(), 0.2, 1.0) >= 0.99


def test_with_much_noise_the_same_is_not_called_equivalent():
    assert share_supported(Equivalent(), 3.0, 0.0) <= 0.05


def test_without_an_effect_better_is_seldom_supported():
    """2.5 % by the level, some 5 % by the bootstrap, whose intervals of ten values are narrow. Standard error 1.3 %."""
    assert share_supported(Better(), 0.2, 0.0) <= 0.09

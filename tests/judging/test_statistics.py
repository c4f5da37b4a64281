"""The statistics against hand-worked cases, exact enumeration, published examples and simulation."""

import itertools
import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from dlstudy.judging.evidence import Clusters, PerFold, PerRound, TwoCounts
from dlstudy.judging.statistics import (
    Interval,
    crossed_replicates,
    holm,
    joint_sign_flip_p,
    least_num_pairs,
    paired_differences,
    share_interval,
    share_p,
    sign_flip_p,
    t_interval,
)

EXACT = 1e-12  # relative: the same arithmetic in another order
SIDES = ("below", "above")


def by_seed(values, seeds=None) -> pd.Series:
    return pd.Series(values, index=pd.Index(range(len(values)) if seeds is None else seeds, name="seed"))


# --- Intervals as such ---


@pytest.mark.parametrize(
    ("low", "high", "inside", "outside"),
    [
        (-0.4, 0.4, True, False),
        (-0.5, 0.4, False, False),  # at the border: neither
        (-0.4, 0.5, False, False),
        (0.4, 0.6, False, False),
        (0.5, 0.6, False, False),
        (0.51, 0.6, False, True),
        (-0.6, -0.5, False, False),
        (-0.6, -0.51, False, True),
        (-0.6, 0.6, False, False),
    ],
)
def test_an_interval_at_a_bound_is_neither_inside_nor_outside(low, high, inside, outside):
    found = Interval(0.0, low, high)
    assert (found.inside(-0.5, 0.5), found.outside(-0.5, 0.5)) == (inside, outside)


# --- Pairing. Each oracle takes the function under test, so that it can be run on broken ones too ---


def it_subtracts_the_second_from_the_first(difference):
    found = difference(by_seed([90.0, 80.0, 70.0]), by_seed([89.0, 78.0, 67.0]))
    assert found.tolist() == [1.0, 2.0, 3.0]


def it_pairs_by_seed_whatever_the_order(difference):
    first = by_seed([90.0, 80.0, 70.0, 60.0], [3, 0, 2, 1])
    second = by_seed([59.0, 66.0, 88.0, 79.0], [1, 2, 3, 0])
    found = difference(first, second)
    assert found.to_dict() == {0: 1.0, 1: 1.0, 2: 4.0, 3: 2.0}


def it_cancels_what_a_seed_gives_to_both(difference):
    """Seeds matter 100 times more than the variants; what is left is the noise of the pairs, not that of the seeds."""
    draw = np.random.default_rng(1)
    seeds, noise = draw.normal(0, 20, 10), draw.normal(0, 0.2, 10)
    order = draw.permutation(10)
    found = difference(by_seed(seeds + 1 + noise), by_seed(seeds[order], order))
    np.testing.assert_allclose(found.sort_index(), 1 + noise, atol=1e-12)


def it_refuses_what_is_not_paired(difference):
    three = by_seed([1.0, 2.0, 3.0])
    for other in (
        by_seed([1.0, 2.0]),  # one is missing
        by_seed([1.0, 2.0, 3.0, 4.0]),  # one too many
        by_seed([1.0, 2.0, 3.0], [0, 1, 3]),
        by_seed([1.0, 2.0, 3.0], [0, 1, 1]),  # a seed twice
        by_seed([1.0, 2.0, 3.0, 4.0], [0, 1, 2, 2]),
        by_seed([1.0, 2.0, math.nan]),  # a seed without a value
    ):
        for pair in ((three, other), (other, three)):
            try:
                difference(*pair)
            except ValueError:
                continue
            raise AssertionError(f"accepted {other.to_dict()}")


PAIRING = (
    it_subtracts_the_second_from_the_first,
    it_pairs_by_seed_whatever_the_order,
    it_cancels_what_a_seed_gives_to_both,
    it_refuses_what_is_not_paired,
)


def swapped(first, second):
    return paired_differences(second, first)


def sorted_by_value(first, second):
    return pd.Series(np.sort(first) - np.sort(second), index=sorted(first.index))


def by_position(first, second):
    return pd.Series(first.to_numpy() - second.to_numpy(), index=first.index)


def with_seeds_shuffled(first, second):
    order = np.random.default_rng(0).permutation(len(second))
    return paired_differences(first, pd.Series(second.to_numpy()[order], index=second.index))


def common_seeds_only(first, second):
    return (first - second).dropna()


@pytest.mark.parametrize("oracle", PAIRING)
def test_differences_are_those_of_pairs(oracle):
    oracle(paired_differences)


@pytest.mark.parametrize(
    ("oracle", "mutant"),
    [
        (it_subtracts_the_second_from_the_first, swapped),
        (it_pairs_by_seed_whatever_the_order, swapped),
        (it_pairs_by_seed_whatever_the_order, sorted_by_value),
        (it_pairs_by_seed_whatever_the_order, by_position),
        (it_pairs_by_seed_whatever_the_order, with_seeds_shuffled),
        (it_cancels_what_a_seed_gives_to_both, swapped),
        (it_cancels_what_a_seed_gives_to_both, sorted_by_value),
        (it_cancels_what_a_seed_gives_to_both, by_position),
        (it_cancels_what_a_seed_gives_to_both, with_seeds_shuffled),
        (it_refuses_what_is_not_paired, common_seeds_only),
    ],
)
def test_broken_pairing_is_caught(oracle, mutant):
    with pytest.raises(AssertionError):
        oracle(mutant)


def test_the_message_names_the_seeds():
    with pytest.raises(ValueError, match=r"expected each seed once, found \[0, 1, 1\]"):
        paired_differences(by_seed([1.0, 2.0, 3.0], [0, 1, 1]), by_seed([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match=r"expected the same seeds, found \[0, 1\] and \[0, 2\]"):
        paired_differences(by_seed([1.0, 2.0]), by_seed([1.0, 2.0], [0, 2]))
    with pytest.raises(ValueError, match=r"expected a value for each seed, found none for \[1\]"):
        paired_differences(by_seed([1.0, math.nan]), by_seed([1.0, 2.0]))


# --- Sign flips ---


def enumerated(values, side) -> float:
    """The exact p-value in whole numbers: all 2^n flips are counted, ties included."""
    observed = sum(values)
    sums = [sum(flip) for flip in itertools.product(*[(value, -value) for value in values])]
    extreme = [total <= observed if side == "below" else total >= observed for total in sums]
    return sum(extreme) / len(sums)


def it_counts_the_flips(sign_flip):
    for values in ([3, 1, 4, 1, 5], [-2, 7, 1, 8], [1, 1, -2], [2, -2], [0, 0, 5], [7]):
        for side in SIDES:
            assert sign_flip(values, side) == enumerated(values, side), (values, side)


def it_knows_up_from_down(sign_flip):
    """Six gains: one flip of 64 is as good."""
    gains = [1, 2, 3, 4, 5, 6]
    assert [sign_flip(gains, each) for each in SIDES] == [1.0, 1 / 64]
    assert [sign_flip([-value for value in gains], each) for each in SIDES] == [1 / 64, 1.0]


def tails_exchanged(values, side):
    return sign_flip_p(values, {"below": "above", "above": "below"}[side])


def ties_not_counted(values, side):
    observed = sum(values)
    sums = [sum(flip) for flip in itertools.product(*[(value, -value) for value in values])]
    above = sum(total > observed for total in sums) / len(sums)
    return above if side == "above" else sign_flip_p(values, side)


@pytest.mark.parametrize("oracle", [it_counts_the_flips, it_knows_up_from_down])
def test_p_values_are_those_of_sign_flips(oracle):
    oracle(sign_flip_p)


@pytest.mark.parametrize("oracle", [it_counts_the_flips, it_knows_up_from_down])
@pytest.mark.parametrize("mutant", [tails_exchanged, ties_not_counted])
def test_broken_signs_are_caught(oracle, mutant):
    with pytest.raises(AssertionError):
        oracle(mutant)


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=7), side=st.sampled_from(SIDES))
def test_rounding_breaks_no_ties(values, side):
    """Tenths have no exact sum in binary; their flips tie as those of whole numbers do."""
    assert sign_flip_p([value / 10 for value in values], side) == enumerated(values, side)


@pytest.mark.parametrize(("side", "alternative"), [("below", "less"), ("above", "greater")])
def test_p_values_are_scipys_where_there_are_no_ties(side, alternative):
    values = np.random.default_rng(3).normal(0.3, 1, 9)
    found = stats.permutation_test((values,), np.mean, permutation_type="samples", alternative=alternative)
    assert sign_flip_p(values.tolist(), side) == found.pvalue


def test_many_differences_are_flipped_at_random_and_the_observed_flip_counts():
    gains = [1.0] * 40
    assert sign_flip_p(gains, "above") == 1 / 10_000  # never 0: the observed one is among the flips
    # Standard error of a p of .3 from 9,999 flips: .0046; five of them.
    values = np.random.default_rng(4).normal(0.1, 1, 14).tolist()
    sums = np.array([1.0])
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    assert sign_flip_p(values, "above") == pytest.approx((sums >= 1 + sum(values) - 1e-9).mean(), abs=0.023)


def test_p_values_are_the_same_every_time():
    values = np.random.default_rng(5).normal(0, 1, 20).tolist()
    assert sign_flip_p(values, "below") == sign_flip_p(values, "below")


def test_without_an_effect_p_values_below_a_level_are_as_rare_as_it_says():
    """With 6 pairs p-values are k/64; p <= 4/64 has probability 4/64. Standard error over 2,000 samples: .0054."""
    draw = np.random.default_rng(6)
    found = [sign_flip_p(draw.normal(0, 1, 6).tolist(), "above") for _ in range(2000)]
    assert np.mean(np.array(found) <= 4 / 64) == pytest.approx(4 / 64, abs=0.02)


@pytest.mark.parametrize(("confidence", "least"), [(0.5, 1), (0.75, 2), (0.9, 4), (0.95, 5), (0.975, 6), (0.99, 7)])
def test_as_few_pairs_as_can_reach_the_level(confidence, least):
    assert least_num_pairs(confidence) == least
    assert sign_flip_p([1.0] * least, "above") <= 1 - confidence < sign_flip_p([1.0] * (least - 1) or [0.0], "above")


# --- Student's t ---


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_of_a_mean_is_students(confidence):
    values = [0.1, 0.4, -0.3, 0.8, 0.2, 0.3, -0.1, 0.6]
    found = t_interval(values, confidence)
    low, high = stats.t.interval(confidence, df=7, loc=np.mean(values), scale=stats.sem(values))
    assert (found.estimate, found.low, found.high) == pytest.approx((np.mean(values), low, high), rel=1e-9)


# --- Samples that have little to tell ---

DEGENERATE = {
    "two": [1.0, 2.0],
    "three seeds": [0.2, 0.5, 0.1],
    "three seeds, one unlike": [0.0, 0.0, 1.0],
    "zeros": [0.0] * 10,
    "zeros and one more": [0.0] * 9 + [1.0],
    "zeros and rounding": [0.0] * 9 + [1e-17],
    "all equal": [0.7] * 10,
    "all equal but for rounding": [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, 0.3],
    "nearly equal": [1.0, 1.0, 1.0, 1.0, 1.0, 1 + 1e-11],
    "two values only": [0.0, 1.0] * 5,
    "symmetric": [-1.0, 1.0] * 5,
    "tiny": [1e-200, 2e-200, 4e-200],
    "least": [5e-324, 0.0, 0.0],
    "vast": [1e200, 2e200, 3e200],
}


@pytest.mark.parametrize("values", DEGENERATE.values(), ids=DEGENERATE)
def test_the_numbers_of_any_sample_are_finite(values):
    for found in (t_interval(values, 0.95), PerFold(values, 2).interval(0.95)):
        assert all(map(math.isfinite, (found.estimate, found.low, found.high)))
        assert found.low <= found.estimate <= found.high
    for side in SIDES:
        assert 0 < sign_flip_p(values, side) <= 1


def test_what_is_equal_up_to_rounding_has_an_interval_of_no_width():
    for values in ([0.7], [0.7] * 10, [0.0, 0.0], [0.1 + 0.2, 0.3, 0.3]):
        found = t_interval(values, 0.95)
        assert found.low == found.estimate == found.high == pytest.approx(values[0], rel=EXACT)
    nearly = t_interval([1.0, 1 + 1e-11], 0.95)
    assert nearly.low < nearly.high


def test_a_single_difference_is_as_likely_either_way():
    assert [sign_flip_p([3.0], each) for each in SIDES] == [1.0, 0.5]
    assert [sign_flip_p([0.0], each) for each in SIDES] == [1.0, 1.0]


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [1.0, math.inf], [-math.inf]])
@pytest.mark.parametrize(
    "function",
    [
        lambda values: t_interval(values, 0.95),
        lambda values: sign_flip_p(values, "above"),
        lambda values: PerFold(values, 5).interval(0.95),
    ],
    ids=["t", "sign flips", "cross-validation"],
)
def test_no_values_or_none_that_is_finite_are_an_error(function, values):
    """A NaN compares false with every flip: its p-value would be 0, the most significant of all."""
    with pytest.raises(ValueError, match="expected finite values"):
        function(values)


# --- Many tests at once ---


def closed_testing(p_values) -> dict[str, float]:
    """Holm by its definition: the closed test, Bonferroni on every subset of hypotheses that contains one's own."""
    subsets = [
        subset for size in range(1, len(p_values) + 1) for subset in itertools.combinations(sorted(p_values), size)
    ]
    of_subset = {subset: min(1.0, len(subset) * min(p_values[name] for name in subset)) for subset in subsets}
    return {name: max(p for subset, p in of_subset.items() if name in subset) for name in p_values}


def test_holm_as_worked_in_an_example_of_four():
    """The four p-values of the example in Wikipedia's article on the Holm-Bonferroni method: H4 and H1 fall at .05."""
    found = holm({"H1": 0.01, "H2": 0.04, "H3": 0.03, "H4": 0.005})
    assert found == pytest.approx({"H1": 0.03, "H2": 0.06, "H3": 0.06, "H4": 0.02}, rel=EXACT)
    assert [name for name, value in found.items() if value <= 0.05] == ["H1", "H4"]


def test_holm_by_hand_keeps_order_names_and_one():
    found = holm({"c": 0.9, "a": 0.2, "b": 0.2, "d": 0.001})
    assert list(found) == ["c", "a", "b", "d"]
    assert found == pytest.approx({"c": 0.9, "a": 0.6, "b": 0.6, "d": 0.004}, rel=EXACT)
    assert holm({"a": 1.0, "b": 1.0}) == {"a": 1.0, "b": 1.0}
    assert holm({"alone": 0.04}) == {"alone": 0.04}
    assert holm({}) == {}


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), min_size=1))
def test_holm_is_the_closed_test_of_bonferroni(p_values):
    assert holm(p_values) == pytest.approx(closed_testing(p_values), rel=EXACT)


# --- Shares ---


@pytest.mark.parametrize(("num_found", "num"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (881, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_of_a_share_is_wilsons(num_found, num, confidence):
    """(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    share, z = num_found / num, stats.norm.ppf((1 + confidence) / 2)
    centre = share + z**2 / (2 * num)
    reach = z * math.sqrt(share * (1 - share) / num + z**2 / (4 * num**2))
    found = share_interval(num_found, num, confidence)
    assert found.estimate == share
    ends = (centre - reach) / (1 + z**2 / num), (centre + reach) / (1 + z**2 / num)
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-9, abs=1e-12)
    assert 0 <= found.low <= share <= found.high <= 1


def test_a_share_of_none_is_an_error():
    with pytest.raises(ValueError, match="expected"):
        share_interval(0, 0, 0.95)


# --- Cross-validation ---


def test_the_corrected_interval_by_hand():
    """1, 2, 3, 4 of 2 folds: mean 2.5, s^2 = 5/3, (1/4 + 1/1) s^2 = 2.0833, t(.975, 3) = 3.1824 (any table)."""
    found = PerFold([1.0, 2.0, 3.0, 4.0], 2).interval(0.95)
    reach = 3.1824 * math.sqrt(25 / 12)
    # The table has four decimals: half of the last one, times the 1.44 under the root.
    assert (found.low, found.estimate, found.high) == pytest.approx((2.5 - reach, 2.5, 2.5 + reach), abs=1e-4)


def test_the_correction_is_that_of_test_rows_to_training_rows():
    """10 x 5 folds: 1/50 + (1/5)/(4/5), of an interval that takes the folds for independent 1/50: 13.5 times."""
    gains = np.random.default_rng(8).normal(1, 1, 50)
    naive = stats.t.interval(0.95, df=49, loc=gains.mean(), scale=stats.sem(gains))
    found = PerFold(gains.tolist(), 5).interval(0.95)
    widening = (found.high - found.low) / (naive[1] - naive[0])
    assert widening == pytest.approx(math.sqrt((1 / 50 + 1 / 4) * 50), rel=1e-9)


# --- The median of times ---


@pytest.mark.parametrize(
    ("num", "rank"),
    # one more than the critical values of the two-sided sign test at 5 %, as any table has them: 0 0 1 1 2 3 5 7
    [(6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8)],
)
def test_the_median_lies_between_the_kth_smallest_and_the_kth_largest(num, rank):
    found = PerRound([float(value) for value in range(num, 0, -1)]).interval(0.95)
    assert (found.estimate, found.low, found.high) == ((num + 1) / 2, rank, num + 1 - rank)


def test_the_median_interval_covers_as_often_as_it_says():
    """Of a skewed distribution with a median of log 2: 11 values, exact coverage 1 - 2 * 12 / 2^11 = 0.988."""
    samples = np.random.default_rng(0).exponential(size=(2000, 11))
    found = [PerRound(sample.tolist()).interval(0.95) for sample in samples]
    covered = np.mean([each.low < np.log(2) < each.high for each in found])
    assert covered == pytest.approx(0.98828, abs=4 * np.sqrt(0.988 * 0.012 / 2000))


def test_one_slow_moment_does_not_move_the_median_interval():
    quick = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8]
    assert PerRound([*quick, 1.9]).interval(0.95) == PerRound([*quick, 1e9]).interval(0.95)


def test_too_few_values_have_no_median_interval():
    few = PerRound([5.0, 1.0, 2.0, 3.0, 4.0])
    assert few.problem(0.95) == "5 rounds, where a verdict takes at least 6"
    assert few.interval(0.95) == Interval(3.0, 1.0, 5.0)


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95, 0.99])
def test_the_median_interval_takes_as_many_values_as_the_sign_flip_test(confidence):
    least = least_num_pairs((1 + confidence) / 2)
    assert not PerRound(range(least)).problem(confidence)
    assert (
        PerRound(range(least - 1)).problem(confidence) == f"{least - 1} rounds, where a verdict takes at least {least}"
    )
    tail = 2 * stats.binom.cdf(0, np.array([least - 1, least]), 0.5)  # that all values lie on one side of the median
    assert tail[1] <= 1 - confidence + EXACT < tail[0]


# --- Shares of two groups ---


def test_fishers_exact_test_of_the_lady_who_tastes_tea():
    """Fisher, The Design of Experiments, 1935: 4 of 4 right has p = 1/70, 3 of 4 has 17/70."""
    assert TwoCounts((4, 4), (0, 4)).p_value(0, "above") == pytest.approx(1 / 70)
    assert TwoCounts((3, 4), (1, 4)).p_value(0, "above") == pytest.approx(17 / 70)
    assert TwoCounts((0, 4), (4, 4)).p_value(0, "above") == pytest.approx(1.0)
    assert TwoCounts((0, 4), (0, 4)).p_value(0, "above") == pytest.approx(1.0)


def test_fishers_exact_test_is_scipys():
    for first, second in (((7, 10), (2, 10)), ((880, 1000), (850, 1000)), ((0, 10), (10, 10))):
        table = [[found, num - found] for found, num in (first, second)]
        assert TwoCounts(first, second).p_value(0, "above") == pytest.approx(
            stats.fisher_exact(table, "greater").pvalue, rel=1e-9
        )


def test_the_interval_of_a_difference_of_shares_is_that_of_newcombes_examples():
    """Statistics in Medicine 17, 1998, table II, method 10: 56/70 less 48/80, 9/10 less 3/10 and 10/10 less 0/10."""
    for first, second, low, high in (
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ):
        found = TwoCounts(first, second).interval(0.95)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


# --- Seeds and images together ---


def two_networks(stream, num_seeds, spread, num_images=1000):
    """What two networks are right about, and their true difference.

    An image is easy or hard for both, and for each in its own way; a seed is better or worse by `spread`.
    """
    difficulty = stream.normal(size=num_images)
    found = []
    for num, level in zip(num_seeds, (1.5, 1.3), strict=True):
        own = stream.normal(0, 0.4, size=num_images)
        of_seed = stream.normal(0, spread, size=(num, 1))
        found.append(level + difficulty + own + of_seed + stream.normal(0, 0.4, size=(num, num_images)) > 0)
    better, worse = special.ndtr(np.array([1.5, 1.3]) / np.sqrt(1 + 2 * 0.4**2 + spread**2))
    return found, better - worse


@cache
def simulated(num_seeds, spread, num_studies=150):
    """The share of studies whose 95 % interval covers the true difference; replicates' deviation over the true one."""
    stream, hits, estimates, deviations = np.random.default_rng(0), 0, [], []
    for _ in range(num_studies):
        (first, second), true_difference = two_networks(stream, num_seeds, spread)
        replicates = crossed_replicates(first, second, num_replicates=400)
        low, high = np.quantile(replicates, [0.025, 0.975])
        hits += low < true_difference < high
        estimates.append(first.mean() - second.mean())
        deviations.append(replicates.std())
    return hits / num_studies, np.sqrt(np.mean(np.square(deviations))) / np.std(estimates)


@pytest.mark.parametrize(("num_seeds", "spread"), [((2, 10), 0.0), ((2, 10), 0.05), ((10, 10), 0.05)])
def test_seeds_and_images_together_cover_what_they_say(num_seeds, spread):
    """Where seeds differ by less than the choice of the images does, as the networks here do."""
    assert simulated(num_seeds, spread)[0] >= 0.94


@pytest.mark.parametrize(("num_seeds", "spread", "most"), [((2, 10), 0.0, 1.6), ((10, 10), 0.05, 1.25)])
def test_the_interval_is_not_much_wider_than_it_has_to_be(num_seeds, spread, most):
    """What the docstring says of two seeds; with ten the excess is small."""
    assert 0.9 < simulated(num_seeds, spread)[1] < most


def test_two_seeds_that_differ_much_are_too_few():
    """Why the method page warns of them."""
    assert 0.75 < simulated((2, 10), 0.2)[0] < 0.93


def test_networks_on_other_images_are_not_compared():
    with pytest.raises(ValueError, match="expected the same images for both, found 10 and 9"):
        crossed_replicates(np.ones((2, 10), bool), np.ones((2, 9), bool))


def test_images_in_common_make_the_interval_narrower_and_seeds_wider():
    (first, second), _ = two_networks(np.random.default_rng(0), (10, 10), 0.0)
    paired = crossed_replicates(first, second).std()
    images = np.random.default_rng(1).permutation(first.shape[1])
    assert paired < 0.8 * crossed_replicates(first, second[:, images]).std()
    apart = first.copy()
    apart[:5] = False  # half of the seeds are right about nothing
    assert crossed_replicates(apart, second).std() > 5 * paired


def test_replicates_are_the_same_every_time_and_centred_on_the_difference():
    (first, second), _ = two_networks(np.random.default_rng(0), (3, 4), 0.1)
    found = crossed_replicates(first, second)
    assert found.tolist() == crossed_replicates(first, second).tolist()
    assert found.mean() == pytest.approx(first.mean() - second.mean(), abs=0.003)


def test_the_tail_of_a_share_is_binomial():
    assert share_p(8, 10, 0.5, "above") == pytest.approx(stats.binomtest(8, 10, 0.5, "greater").pvalue)
    assert share_p(2, 10, 0.5, "below") == pytest.approx(stats.binomtest(2, 10, 0.5, "less").pvalue)


def test_clusters_of_one_case_each_are_a_sample_of_cases():
    found = Clusters([1] * 6 + [0] * 4, [1] * 10).interval(0.95)
    by_t = t_interval([1.0] * 6 + [0.0] * 4, 0.95)
    assert (found.estimate, found.low, found.high) == pytest.approx((by_t.estimate, by_t.low, by_t.high))


def test_clusters_are_the_sample_not_their_cases():
    """Ten clusters of eight cases that agree: as wide as ten cases."""
    found = Clusters([8] * 6 + [0] * 4, [8] * 10).interval(0.95)
    single = Clusters([1] * 6 + [0] * 4, [1] * 10).interval(0.95)
    assert (found.low, found.high) == pytest.approx((single.low, single.high))
    assert Clusters([3], [4]).problem(0.95) == "1 cluster, where a verdict takes at least 2"


# --- The worst of several ---


def test_the_joint_test_of_one_sample_is_the_sign_flip_test():
    values = [-1.0, -2.0, 0.5, -1.5, -0.3, -0.7]
    assert joint_sign_flip_p([values]) == pytest.approx(sign_flip_p(values, "below"))


def test_the_joint_test_finds_one_low_sample_among_many():
    low, others = [-1.0 - 0.1 * seed for seed in range(10)], [[0.1, -0.1] * 5 for _ in range(6)]
    # what is observed, and the one flip that brings all others down as far
    assert joint_sign_flip_p([*others, low]) == pytest.approx(2 / 1024)


def test_the_joint_test_finds_a_small_low_sample_beside_large_high_ones():
    low, high = [-1.0 - 0.1 * seed for seed in range(10)], [70.0 + 0.1 * seed for seed in range(10)]
    # what is observed, and all signs the other way, which makes the high sample as low as can be
    assert joint_sign_flip_p([high, low]) == pytest.approx(2 / 1024)


def test_the_joint_test_keeps_its_level_where_nothing_is_low():
    draws = np.random.default_rng(0).normal(size=(400, 7, 8))
    found = [joint_sign_flip_p(each.tolist()) <= 0.05 for each in draws]
    # about 5 % of 400, whose standard error is 1.1 %
    assert np.mean(found) <= 0.05 + 3 * 0.011

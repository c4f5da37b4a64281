"""Rules by constructed evidence: regions, outcomes, quantifiers, and the error rates that the page promises."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from dlstudy.judging.evidence import Clusters, Count, Evidence, Exact, PerFold, PerSeed, TwoCounts, per_seed
from dlstudy.judging.rules import Rule, decide, outcome_of, variants, verdict_of
from dlstudy.judging.statistics import t_interval
from dlstudy.study.params import JudgeParams

SETTINGS = JudgeParams(margin=0.5, confidence=0.95)
NOISE = (-0.9, 1.4, 0.3, -1.2, 0.1, -0.4, 1.1, 0.8, -0.2, -1.0)  # ten seeds: mean 0


def around(centre, spread=0.1):
    return PerSeed([centre + spread * value for value in NOISE])


def single(rule, sample):
    return decide(Evidence({"": sample}), rule, SETTINGS)


def verdict(rule, sample):
    return single(rule, sample).verdict


# --- Outcomes of a comparison ---


@pytest.mark.parametrize(
    ("sample", "outcome"),
    [
        (around(2.0), "better"),
        (around(-2.0), "worse"),
        (around(0.0), "equivalent"),
        (around(0.3), "equivalent"),  # certainly above 0, and too small to matter
        (around(0.0, 3.0), "undecided"),
        (around(0.5), "better"),  # above 0, and not shown to be within the margin
    ],
)
def test_the_outcome_is_where_the_interval_lies(sample, outcome):
    assert outcome_of(sample, SETTINGS) == outcome


def test_better_is_refuted_by_worse_or_equivalent_and_by_nothing_else():
    rule = Rule(region="better")
    assert verdict(rule, around(2.0)) == "supported"
    assert verdict(rule, around(-2.0)) == "refuted"
    assert verdict(rule, around(0.0)) == "refuted"
    assert verdict(rule, around(0.0, 3.0)) == "inconclusive"


def test_a_lead_within_the_margin_no_longer_supports_better():
    """The first edition called +0.4 points, within a margin of 0.5, supported."""
    assert verdict(Rule(region="better"), around(0.4, 0.05)) == "refuted"


def test_not_worse_lies_above_the_negative_margin():
    rule = Rule(region="not_worse")
    assert [verdict(rule, around(centre)) for centre in (0.0, -0.5, -2.0)] == ["supported", "inconclusive", "refuted"]


def test_equivalent_and_different_are_opposites():
    for centre, same, other in ((0.0, "supported", "refuted"), (2.0, "refuted", "supported")):
        assert verdict(Rule(region="equivalent"), around(centre)) == same
        assert verdict(Rule(region="different"), around(centre)) == other
    assert {verdict(Rule(region=name), around(0.5)) for name in ("equivalent", "different")} == {"inconclusive"}


# --- Thresholds ---


@pytest.mark.parametrize("region", ["above", "below", "at_most"])
def test_a_threshold_decides_only_where_the_interval_lies_wholly_on_one_side(region):
    rule = Rule(region=region, threshold=1.0)
    high, low = ("supported", "refuted") if region == "above" else ("refuted", "supported")
    assert [verdict(rule, around(centre)) for centre in (2.0, 1.0, 0.0)] == [high, "inconclusive", low]


def test_a_gain_of_2_9_percent_with_an_interval_that_holds_2_decides_nothing():
    """The first edition refuted LIN-1/dollars by its point estimate: 2.9 %, 0.4 to 5.4, against 2 %."""
    gains = PerFold([2.9 + spread for spread in (-4, -2, 0, 2, 4)] * 2, num_folds=5)
    found = single(Rule(region="below", threshold=2.0), gains)
    assert found.low < 2.0 < found.estimate
    assert found.verdict == "inconclusive"


def test_exact_values_are_always_decided_and_a_tolerance_may_be_reached():
    assert verdict(Rule(region="at_most", threshold=1e-6), Exact(1e-6)) == "supported"
    assert verdict(Rule(region="at_most", threshold=1e-6), Exact(1.1e-6)) == "refuted"
    assert verdict(Rule(region="above", threshold=0.5), Exact(0.5)) == "refuted"


def test_within_and_between():
    assert verdict(Rule(region="within", threshold=0.05, of=1.0), around(1.0, 0.01)) == "supported"
    assert verdict(Rule(region="within", threshold=0.05, of=1.0), around(1.2, 0.01)) == "refuted"
    assert verdict(Rule(region="between"), around(0.6, 0.01)) == "supported"
    assert verdict(Rule(region="between"), PerSeed([1.0] * 10)) == "refuted"


# --- Quantifiers ---


def over(rule, samples, **details):
    return decide(Evidence(samples, **details), rule, SETTINGS)


def test_every_is_refuted_by_one_condition_and_shows_it():
    rule = Rule(region="not_worse", quantifier="every")
    assert over(rule, {"a": around(0.0), "b": around(1.0)}).verdict == "supported"
    found = over(rule, {"a": around(0.0), "b": around(-2.0), "c": around(0.0)})
    assert (found.verdict, found.where) == ("refuted", "b")
    assert over(rule, {"a": around(0.0), "b": around(-0.5)}).verdict == "inconclusive"


def test_of_many_conditions_each_has_its_share_of_the_error_rate_to_refute_by():
    rule, rest = Rule(region="above", threshold=0.0, quantifier="every"), {name: around(9.0) for name in "cdefghij"}
    barely = around(-0.08)  # its 95 % interval ends just below 0
    assert over(rule, {"a": barely}).verdict == "refuted"
    assert over(rule, {"a": barely, **rest}).verdict == "inconclusive"


def test_each_depends_on_its_conditions_where_some_hold_and_some_do_not():
    rule = Rule(region="below", threshold=1.0, quantifier="each")
    assert over(rule, {"a": around(0.0), "b": around(0.1)}).verdict == "supported"
    assert over(rule, {"a": around(3.0), "b": around(2.0)}).verdict == "refuted"
    found = over(rule, {"a": around(0.0), "b": around(2.0)})
    assert (found.verdict, found.where) == ("depends", "a: supported; b: refuted")
    assert over(rule, {"a": around(0.0), "b": around(1.0)}).verdict == "inconclusive"


def counts(first, second, num=10):
    return TwoCounts((first, num), (second, num), least=6)


def test_one_significant_condition_supports_sometimes():
    rule = Rule(region="below", threshold=0.0, quantifier="some")
    found = over(rule, {"deep": counts(0, 10), "shallow": counts(10, 10)})
    assert (found.verdict, found.where, found.estimate) == ("supported", "deep", -1.0)
    assert found.p_value == pytest.approx(2 * 2 / math.comb(20, 10))  # of both sides, Holm over two
    assert over(rule, {"deep": counts(8, 10)}).verdict == "inconclusive"


def test_absence_never_refutes_sometimes_and_says_what_it_could_have_missed():
    """The first edition refuted ACT-11/tanh because no cell was found, and called ACT-4/dead inconclusive by that."""
    found = over(Rule(region="below", threshold=0.0, quantifier="some"), {"a": counts(10, 10), "b": counts(10, 10)})
    assert found.verdict == "inconclusive"
    # Newcombe, method 10, by hand: of 10 of 10 Wilson's interval is 0.7225 to 1
    assert found.missed == pytest.approx(-(1 - 0.72246), abs=1e-4)
    can = Rule(region="above", threshold=0.0, quantifier="total")
    assert over(can, {"x": PerSeed([0.0] * 10)}).verdict == "inconclusive"
    assert over(can, {"x": PerSeed([0.0] * 9 + [1.0])}).verdict == "supported"


@pytest.mark.parametrize(
    ("centres", "verdict", "low", "high"),
    [
        ((2, 2, 2, 2, -2), "supported", 0.8, 0.8),
        ((2, 2, 2, -0.5, -2), "inconclusive", 0.6, 0.8),
        ((2, 2, -0.5, -2, -2), "refuted", 0.4, 0.6),
    ],
)
def test_undecided_conditions_are_counted_both_ways(centres, verdict, low, high):
    samples = {str(place): around(centre) for place, centre in enumerate(centres)}
    found = over(Rule(region="not_worse", quantifier="share", at_least=0.8), samples)
    assert (found.verdict, found.low, found.high) == (verdict, pytest.approx(low), pytest.approx(high))


def test_usually_is_more_than_half_of_the_cells_that_were_chosen_without_an_interval_over_them():
    """The first edition put Wilson's interval over eight chosen cells, as if they had been drawn."""
    rule = Rule(region="better", quantifier="share", more_than=0.5)
    half = {str(place): around(2.0 if place < 4 else -2.0) for place in range(8)}
    assert (over(rule, half).verdict, over(rule, half).low, over(rule, half).high) == ("refuted", 0.5, 0.5)
    assert over(rule, half | {"8": around(2.0)}).verdict == "supported"


def test_exceptions_are_added_up_and_named():
    rule = Rule(region="at_most", threshold=0.0, quantifier="total")
    assert over(rule, {"a": Exact(0.0), "b": PerSeed([0.0] * 10)}).verdict == "supported"
    found = over(rule, {"a": Exact(2.0), "b": PerSeed([0.0, 1.0])})
    assert (found.verdict, found.estimate, found.where) == ("refuted", 3.0, "a: 2; b: 1")


def test_examples_that_agree_prove_nothing():
    rule = Rule(region="at_most", threshold=0.0, quantifier="total", proves=False)
    assert over(rule, {"finding": Exact(0.0)}).verdict == "consistent with"
    assert over(rule, {"finding": Exact(1.0)}).verdict == "refuted"


# --- Guards ---


@pytest.mark.parametrize("quantifier", ["single", "every", "each", "some"])
def test_too_few_seeds_decide_nothing(quantifier):
    found = over(Rule(region="above", threshold=0.0, quantifier=quantifier), {"a": PerSeed([1.0, 1.1])})
    assert (found.verdict, found.reasons) == ("invalid", ("2 seeds, where a verdict takes at least 6",))


def test_a_condition_whose_a_a_control_cannot_resolve_the_margin_is_undecided():
    samples = {"shallow": around(2.0), "deep": around(2.0)}
    rule = Rule(region="better", quantifier="every")
    assert over(rule, samples, again={"deep": around(0.0)}).verdict == "supported"
    found = over(rule, samples, again={"deep": around(0.0, 3.0)})
    assert found.verdict == "inconclusive"
    assert found.reasons[0].startswith("deep: its A/A control resolves")


SPOILT = {"a": ["elu, seed 3: diverged"]}


@pytest.mark.parametrize(
    ("quantifier", "others", "verdict"),
    [
        ("every", (-2.0, 2.0), "refuted"),  # one clear exception is enough
        ("every", (2.0, 2.0), "invalid"),  # for all that is known it holds in every condition
        ("share", (2.0, 2.0), "supported"),  # two of three, whatever the third would be
        ("share", (2.0, -2.0), "invalid"),
        ("some", (2.0, -2.0), "supported"),
        ("some", (-2.0, -2.0), "invalid"),
    ],
)
def test_a_spoilt_condition_decides_nothing_and_leaves_the_others_to_decide(quantifier, others, verdict):
    """At first a rival that diverged in one cell voided the verdict on all cells."""
    rule = Rule(region="better", quantifier=quantifier, **({"more_than": 0.5} if quantifier == "share" else {}))
    for of_the_spoilt in (5.0, -5.0):
        samples = dict(zip("abc", map(around, (of_the_spoilt, *others)), strict=True))
        decision = decide(Evidence(samples, spoilt=SPOILT), rule, SETTINGS)
        assert decision.verdict == verdict
        assert ("elu, seed 3: diverged" in decision.reasons) == (verdict == "invalid")


def test_a_single_spoilt_condition_makes_the_verdict_invalid():
    assert decide(Evidence({"a": around(2.0)}, spoilt=SPOILT), Rule(region="better"), SETTINGS).verdict == "invalid"


@pytest.mark.parametrize(("group", "verdict"), [("first", "refuted"), ("second", "invalid"), ("third", "invalid")])
def test_a_spoilt_condition_voids_the_two_last_groups_only(group, verdict):
    samples = {name: around(-2.0) for name in ("first", "second", "third")}
    evidence = Evidence(samples, groups={name: name for name in samples}, spoilt={group: ["diverged"]})
    assert decide(evidence, Rule(region="better", quantifier="every"), SETTINGS).verdict == verdict


def test_equivalence_refutes_better_by_the_side_that_contradicts_it():
    """A difference just above -d is surely not a lead of d: how near it comes to -d is no matter."""
    rule = Rule(region="better")
    near, centre = (single(rule, around(value, 0.15)) for value in (-0.42, 0.0))
    assert near.verdict == centre.verdict == "refuted"
    assert near.p_value <= centre.p_value
    assert near.p_value < 0.01


def test_an_a_a_control_is_no_matter_of_a_threshold_that_is_no_margin():
    samples = {"a": around(2.0)}
    again = {"a": around(0.0, 9.0)}
    assert over(Rule(region="above", threshold=0.0, quantifier="every"), samples, again=again).verdict == "supported"


# --- What a rule may say ---


@pytest.mark.parametrize(
    "content",
    [
        {"region": "above"},
        {"region": "better", "threshold": 1.0},
        {"region": "better", "quantifier": "share"},
        {"region": "better", "at_least": 0.8},
        {"region": "better", "quantifier": "share", "at_least": 0.8, "more_than": 0.5},
        {"region": "nearly"},
    ],
)
def test_a_rule_whose_parts_do_not_fit_is_refused(content):
    with pytest.raises(ValidationError):
        Rule(**content)


def test_a_rule_has_each_of_its_thresholds_halved_and_doubled_and_no_others():
    assert list(variants(Rule(region="better"), SETTINGS)) == ["margin 0.25", "margin 1"]
    assert list(variants(Rule(region="below", threshold=2.0), SETTINGS)) == ["threshold 1", "threshold 4"]
    share = Rule(region="not_worse", quantifier="share", at_least=0.8)
    assert list(variants(share, SETTINGS)) == ["margin 0.25", "margin 1", "share 0.4", "share 1"]
    assert variants(Rule(region="above", threshold=0.0), SETTINGS) == {}
    assert variants(Rule(region="at_most", threshold=0.0, quantifier="total"), SETTINGS) == {}


# --- p-values, against closed forms ---


def test_the_p_value_of_all_seeds_on_one_side_is_one_flip_of_each_side():
    assert single(Rule(region="better"), around(2.0)).p_value == pytest.approx(2 / 2**10)
    assert single(Rule(region="equivalent"), around(0.0)).p_value == pytest.approx(1 / 2**10)
    assert single(Rule(region="above", threshold=1.0), around(2.0)).p_value == pytest.approx(2 / 2**10)


def test_worse_than_one_of_many_rivals_is_tested_jointly_not_seven_times():
    rule = Rule(region="not_worse", quantifier="every")
    rivals = {f"rival {number}": around(0.0) for number in range(6)} | {"better": around(-2.0)}
    assert over(rule, rivals).p_value == pytest.approx(2 / 2**10)


def test_folds_have_no_exact_test():
    assert single(Rule(region="above", threshold=0.0), PerFold([1.0, 1.1, 0.9] * 3, 3)).p_value is None


# --- Error rates, by simulation ---


def shares_of_verdicts(rule, effect, *, num=10, studies=400, spread=0.5):
    rng = np.random.default_rng(0)
    found = [
        verdict_of(PerSeed(rng.normal(effect, spread, num)), rule, SETTINGS, SETTINGS.confidence)
        for _ in range(studies)
    ]
    return {name: found.count(name) / studies for name in ("supported", "refuted", "inconclusive")}


# 400 studies: a rate of 5 % has a standard error of 1.1 %, so that 0.085 is more than three above it.
MOST = 0.085


@pytest.mark.parametrize(("effect", "wrong"), [(0.0, "supported"), (-0.3, "supported"), (1.0, "refuted")])
def test_better_is_seldom_wrong_under_null_small_and_large_effects(effect, wrong):
    assert shares_of_verdicts(Rule(region="better"), effect)[wrong] <= MOST


def test_better_does_not_refute_a_small_true_advantage_because_it_was_not_found():
    """The first edition refuted a true +0.1 in 69 % of studies like these: an interval across 0 that ends below 0.5."""
    assert shares_of_verdicts(Rule(region="better"), 0.1)["refuted"] <= 0.75  # equivalent: it is within the margin
    wide = shares_of_verdicts(Rule(region="better"), 0.1, spread=1.0)  # nothing of that size can be resolved
    assert wide["refuted"] <= MOST
    assert wide["inconclusive"] >= 0.85


@pytest.mark.parametrize("effect", [0.5, -0.5])
def test_at_the_margin_itself_equivalence_is_seldom_claimed(effect):
    assert shares_of_verdicts(Rule(region="equivalent"), effect)["supported"] <= MOST
    assert shares_of_verdicts(Rule(region="different"), effect)["refuted"] <= MOST


def test_at_the_margin_itself_non_inferiority_is_seldom_claimed_or_denied():
    found = shares_of_verdicts(Rule(region="not_worse"), -0.5)
    assert found["supported"] + found["refuted"] <= MOST


def test_a_large_effect_is_found_and_no_difference_is_found_equivalent():
    assert shares_of_verdicts(Rule(region="better"), 1.0)["supported"] >= 0.95
    assert shares_of_verdicts(Rule(region="equivalent"), 0.0, spread=0.3)["supported"] >= 0.95


def test_every_is_seldom_refuted_where_all_conditions_lie_at_the_border():
    rng = np.random.default_rng(1)
    rule = Rule(region="not_worse", quantifier="every")
    studies = [
        over(rule, per_seed({str(rival): rng.normal(-0.5, 0.5, 10) for rival in range(7)})).verdict for _ in range(200)
    ]
    assert studies.count("refuted") / 200 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize("draw", ["normal", "t5", "skewed"])
def test_the_t_interval_covers_what_it_says_at_ten_values(draw):
    rng = np.random.default_rng(2)
    draws = {
        "normal": rng.normal(size=(4000, 10)),
        "t5": rng.standard_t(5, size=(4000, 10)),
        "skewed": rng.gamma(4.0, size=(4000, 10)) - 4.0,
    }[draw]
    found = [t_interval(values, 0.95) for values in draws]
    covered = np.mean([each.low <= 0 <= each.high for each in found])
    assert covered >= 0.93  # a BCa bootstrap covers .907, .881 at ten such values


def test_swapped_pairs_turn_a_verdict_round_and_unpaired_seeds_lose_it():
    rng = np.random.default_rng(3)
    luck = rng.normal(0, 2.0, 10)  # what a seed gives to both
    first, second = luck + 1.0 + rng.normal(0, 0.1, 10), luck + rng.normal(0, 0.1, 10)
    rule = Rule(region="better")
    assert verdict(rule, PerSeed(first - second)) == "supported"
    assert verdict(rule, PerSeed(second - first)) == "refuted"
    assert verdict(rule, PerSeed(first - np.roll(second, 3))) == "inconclusive"


def test_clusters_that_agree_within_themselves_widen_the_interval():
    """The first edition counted eighty builders of twenty families as independent."""
    clustered = Clusters([8, 0] * 5, [8] * 10).interval(0.95)
    independent = Count(40, 80).interval(0.95)
    assert clustered.estimate == independent.estimate == 0.5
    assert clustered.high - clustered.low > 2 * (independent.high - independent.low)

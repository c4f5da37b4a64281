"""The rule of times, and how times become ratios."""

from dataclasses import replace

import pandas as pd
import pytest

from dlstudy.claims.cost import CLAIMS, TimesAsLong, epochs, kernels, over_relu, told_ratio
from dlstudy.judging.core import Evidence
from dlstudy.judging.judgement import judge, verdict_table
from dlstudy.study.params import load_study
from dlstudy.study.results import MissingResultError
from tests.claims import cases_cost
from tests.claims.support import ROOT, Tables

SETTINGS = load_study(ROOT / "params.yaml").judge
RULE = TimesAsLong(2.0)


def decide(**samples):
    return RULE.decide(Evidence(samples), SETTINGS)


def around(middle, num=11):
    """Values a hundredth apart, evenly about the middle."""
    return [middle + 0.01 * (place - (num - 1) / 2) for place in range(num)]


def test_above_under_every_condition_is_supported_and_the_lowest_is_shown():
    found = decide(a=around(5.0), b=around(2.5))
    # of 11 values the second and the last but one: 2 * (1 + 11) / 2^11 = 0.012 are missed, with the third 0.065
    assert (found.verdict, found.where, found.threshold) == ("supported", "b", 2.0)
    assert (found.estimate, found.low, found.high) == pytest.approx((2.5, 2.46, 2.54))


def test_below_under_one_condition_refutes_and_is_shown():
    found = decide(a=around(5.0), b=around(1.5), c=around(1.8))
    assert (found.verdict, found.where) == ("refuted", "b")


def test_an_interval_that_reaches_the_threshold_decides_nothing():
    assert decide(a=around(2.0)).verdict == "inconclusive"
    assert decide(a=[2.0] * 11).verdict == "inconclusive"  # at its border


def test_of_many_conditions_each_has_its_share_of_the_error_rate_to_refute_by():
    # Ten of 11 below the threshold: 0.988 that the median is, enough where there is one condition and not for five.
    ratios = [*around(1.5, 10), 2.5]
    assert decide(a=ratios).verdict == "refuted"
    assert decide(a=ratios, **{name: around(5.0) for name in "bcde"}).verdict == "inconclusive"


def test_a_slow_moment_does_not_move_the_verdict():
    assert decide(a=[*around(1.5, 10), 900.0]).verdict == "refuted"


@pytest.mark.parametrize(("num_conditions", "least"), [(1, 6), (3, 7)])
def test_too_few_rounds_are_invalid(num_conditions, least):
    # 2 * 2^-6 = 0.031 <= 0.05; with a third of it, 0.017, it takes 2 * 2^-7
    enough, few = ({f"c{c}": around(3.0, num) for c in range(num_conditions)} for num in (least, least - 1))
    assert decide(**enough).verdict == "supported"
    found = decide(**few)
    assert found.verdict == "invalid"
    assert found.reasons == (f"{least - 1} rounds, where a verdict takes {least} at least",)


def test_the_rule_is_told_with_its_threshold_and_confidence():
    assert "95 % interval of the median ratio of times lies above 2 under every" in RULE.words(SETTINGS)


def test_a_ratio_is_that_to_relu_in_the_same_round_and_cell():
    rows = [
        *((1, 64, "relu", 2.0), (1, 64, "tanh", 6.0)),
        *((2, 64, "tanh", 20.0), (2, 64, "relu", 10.0)),
        *((1, 128, "relu", 4.0), (1, 128, "tanh", 4.0)),
    ]
    table = pd.DataFrame(rows, columns=["round", "side", "activation", "microseconds"])
    found = over_relu(table, ["side"], "microseconds").set_index(["side", "round", "activation"])["ratio"]
    assert found[64, 1, "tanh"] == 3
    assert found[64, 2, "tanh"] == 2
    assert found[128, 1, "tanh"] == 1
    assert set(found[:, :, "relu"]) == {1.0}


def test_a_round_without_relu_is_an_error():
    table = pd.DataFrame([(1, "relu", 2.0), (1, "tanh", 2.0), (2, "tanh", 2.0)], columns=["round", "activation", "t"])
    with pytest.raises(MissingResultError, match="expected relu in every round"):
        over_relu(table, [], "t")


def test_times_of_an_activation_that_was_not_timed_are_an_error():
    table = cases_cost.epochs("tanh", {}).timing("activation_cost", "epochs")
    without = Tables(timings={("activation_cost", "epochs"): table[table["activation"] != "tanh"]})
    claim = next(claim for claim in CLAIMS if claim.key == "ACT-14/tanh-deep")
    with pytest.raises(MissingResultError, match="expected times of tanh"):
        claim.measure(without)


def test_slow_rounds_are_paired_away():
    table = kernels(cases_cost.kernels("tanh", "forward", {64: 3}, width=0))
    ratios = table.loc[(table["activation"] == "tanh") & (table["side"] == 64) & (table["part"] == "forward"), "ratio"]
    assert ratios.tolist() == pytest.approx([3] * 11)
    assert set(epochs(cases_cost.epochs("tanh", {}, width=0))["ratio"]) == {1.0}


def test_only_tensors_of_the_place_count():
    results = cases_cost.kernels("sigmoid", "forward", {})
    by_key = {claim.key: claim.measure(results).samples for claim in CLAIMS if claim.key.startswith("ACT-13")}
    assert list(by_key["ACT-13/sigmoid-forward-cache"]) == ["side 64", "side 128", "side 256"]
    assert list(by_key["ACT-13/tanh-training-memory"]) == ["side 4096"]


def test_what_the_page_tells_is_every_cell():
    facts = CLAIMS[0].measure(cases_cost.kernels("sigmoid", "forward", {64: 3.0})).facts
    assert len(facts["rows"]) == 2 * 5
    first = facts["rows"][0]
    assert (first["part"], first["side"], list(first["ratios"])) == ("forward", 64, ["sigmoid", "tanh", "gelu"])
    assert first["ratios"]["sigmoid"]["median"] == pytest.approx(3.0)
    assert first["relu"] == 64  # the median: most rounds are not slow
    assert told_ratio([1.0, 4.0, 2.0], 0.95) == {"median": 2.0, "low": 1.0, "high": 4.0}  # too few for an interval


def test_every_claim_is_judged_without_controls_and_at_no_margin_otherwise():
    of_kernels, of_epochs = cases_cost.kernels("tanh", "forward", {}), cases_cost.epochs("tanh", {})
    results = replace(of_kernels, timings={**of_kernels.timings, **of_epochs.timings})
    table = verdict_table(judge(CLAIMS, results, (), SETTINGS))
    assert table["id"].tolist() == [claim.key for claim in CLAIMS]
    assert set(table["verdict"]) == {"refuted"}
    assert set(table["flips"]) == {"no"}

"""The rule of times, and how times become ratios."""

from dataclasses import replace

import pandas as pd
import pytest

from dlstudy.judging.evidence import Evidence, PerRound
from dlstudy.judging.judgement import judge
from dlstudy.judging.rules import OF_MARGIN, Rule
from dlstudy.judging.rules import decide as decide_by
from dlstudy.judging.statements import readings_of
from dlstudy.judging.tables import evidence_content, verdict_table
from dlstudy.measures.cost import epochs, kernels, over_relu
from dlstudy.measures.find import measured
from dlstudy.study.results import MissingResultError, TimingResults
from tests.committed import committed_statements, committed_study
from tests.measures import cases_cost
from tests.measures.support import ROOT, Tables

SETTINGS = committed_study().judge
RULE = Rule(region="above", threshold=2.0, quantifier="every")
READINGS = readings_of(committed_statements(timed=True))


def test_the_margin_decides_nothing_about_time():
    # so that stage cost_report depends on judge.confidence alone
    assert {each.en.rule.region for each in READINGS}.isdisjoint(OF_MARGIN)
    results = TimingResults(ROOT, committed_study())

    def found(margin):
        settings = SETTINGS.model_copy(update={"margin": margin})
        judgements = judge(READINGS, results, measured, (), settings)
        return verdict_table(judgements, {each.key: "" for each in READINGS}), evidence_content(judgements, settings)

    (table, evidence), (other_table, other_evidence) = found(0.1), found(3.0)
    pd.testing.assert_frame_equal(table, other_table)
    assert evidence == other_evidence


def decide(**samples):
    return decide_by(Evidence({name: PerRound(values) for name, values in samples.items()}), RULE, SETTINGS)


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


def test_of_many_conditions_each_has_its_share_of_the_error_rate_to_refute_by():
    # Ten of 11 below the threshold: 0.988 that the median is, enough where there is one condition and not for five.
    ratios = [*around(1.5, 10), 2.5]
    assert decide(a=ratios).verdict == "refuted"
    assert decide(a=ratios, **{name: around(5.0) for name in "bcde"}).verdict == "inconclusive"


def test_a_slow_moment_does_not_move_the_verdict():
    assert decide(a=[*around(1.5, 10), 900.0]).verdict == "refuted"


def test_too_few_rounds_are_invalid():
    # 2 * 2^-6 = 0.031 <= 0.05
    assert decide(a=around(3.0, 6)).verdict == "supported"
    found = decide(a=around(3.0, 5))
    assert (found.verdict, found.reasons) == ("invalid", ("5 rounds, where a verdict takes at least 6",))


def test_too_few_rounds_for_many_conditions_refute_none_of_them():
    # with a third of the error rate, 0.017, it takes 2 * 2^-7
    conditions = {"b": around(5.0, 7), "c": around(5.0, 7)}
    assert decide(a=around(1.5, 7), **conditions).verdict == "refuted"
    assert decide(a=around(1.5, 6), **conditions).verdict == "inconclusive"


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
    reading = next(each for each in READINGS if each.key == "ACT-14/tanh-deep")
    with pytest.raises(MissingResultError, match="expected times of tanh"):
        measured(reading, without)


def test_slow_rounds_are_paired_away():
    table = kernels(cases_cost.kernels("tanh", "forward", {64: 3}, width=0))
    ratios = table.loc[(table["activation"] == "tanh") & (table["side"] == 64) & (table["part"] == "forward"), "ratio"]
    assert ratios.tolist() == pytest.approx([3] * 11)
    assert set(epochs(cases_cost.epochs("tanh", {}, width=0))["ratio"]) == {1.0}


def test_only_tensors_of_the_place_count():
    results = cases_cost.kernels("sigmoid", "forward", {})
    by_key = {each.key: measured(each, results).samples for each in READINGS if each.key.startswith("ACT-13")}
    assert list(by_key["ACT-13/sigmoid-forward-cache"]) == ["side 64", "side 128", "side 256"]
    assert list(by_key["ACT-13/tanh-training-memory"]) == ["side 4096"]


def test_what_the_page_shows_is_every_cell():
    evidence = measured(READINGS[0], cases_cost.kernels("sigmoid", "forward", {64: 3.0}))
    assert len(evidence.facts["rows"]) == 2 * 5
    first = evidence.facts["rows"][0]
    assert (first["part"], first["side"], first["others"]) == ("forward", 64, ["sigmoid", "tanh", "gelu"])
    assert evidence.aside[f"{first['name']}, sigmoid"].interval(0.95).estimate == pytest.approx(3.0)
    assert first["relu"] == 64  # the median: most rounds are not slow


def test_every_reading_is_judged_without_controls():
    of_kernels, of_epochs = cases_cost.kernels("tanh", "forward", {}), cases_cost.epochs("tanh", {})
    results = replace(of_kernels, timings={**of_kernels.timings, **of_epochs.timings})
    judgements = judge(READINGS, results, measured, (), SETTINGS)
    table = verdict_table(judgements, {each.key: "" for each in READINGS})
    assert table["id"].tolist() == [each.key for each in READINGS]
    assert set(table["verdict"]) == {"refuted"}

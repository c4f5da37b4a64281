"""The rules over many comparisons, the guards, and what a page is told, by results made up."""

import pytest

from dlstudy.claims.hasty import fair
from dlstudy.claims.registry import CLAIMS
from dlstudy.claims.sweep import (
    BetterUsually,
    NonInferiorInMost,
    NonInferiorToAll,
    best_on_validation,
    cells_of,
    regrets,
    steps_to_target,
)
from dlstudy.claims.trainable import SometimesFewer
from dlstudy.judging.core import Evidence
from tests.claims.cases_sweep import EQUAL, LAST, RELU_FAST, STUDY, swept

SETTINGS = STUDY.judge  # a margin of half a point
GOOD, POOR, VAGUE = (0.1, 0.2, 0.1, 0.2, 0.15, 0.1), (-1.0, -1.1, -1.0, -0.9, -1.0, -1.1), (-2, 2, -1, 1, -2, 1.5)


def evidence(**samples):
    return Evidence(samples, num_seeds=6)


@pytest.mark.parametrize(
    ("samples", "verdict", "low", "high"),
    [
        ({"a": GOOD, "b": GOOD, "c": GOOD, "d": GOOD, "e": POOR}, "supported", 0.8, 0.8),
        ({"a": GOOD, "b": GOOD, "c": GOOD, "d": VAGUE, "e": POOR}, "inconclusive", 0.6, 0.8),
        ({"a": GOOD, "b": GOOD, "c": VAGUE, "d": POOR, "e": POOR}, "refuted", 0.4, 0.6),
    ],
)
def test_most_cells_are_counted_with_and_without_those_undecided(samples, verdict, low, high):
    found = NonInferiorInMost(0.8).decide(evidence(**samples), SETTINGS)
    assert (found.verdict, found.low, found.high) == (verdict, pytest.approx(low), pytest.approx(high))


def test_usually_takes_an_interval_above_one_half():
    better, worse = dict.fromkeys("abcdefgh", GOOD), dict.fromkeys("ijklmnop", POOR)
    assert BetterUsually(0.5).decide(evidence(**better), SETTINGS).verdict == "supported"
    assert BetterUsually(0.5).decide(evidence(**worse), SETTINGS).verdict == "refuted"
    # 8 of 16: Wilson's interval is 0.28 to 0.72
    half = BetterUsually(0.5).decide(evidence(**better, **worse), SETTINGS)
    assert (half.verdict, round(half.low, 2), round(half.high, 2)) == ("inconclusive", 0.28, 0.72)


def test_one_rival_that_is_better_refutes_best_of_all():
    found = NonInferiorToAll().decide(evidence(a=GOOD, b=POOR), SETTINGS)
    assert (found.verdict, found.where) == ("refuted", "b")
    assert NonInferiorToAll().decide(evidence(a=GOOD, b=GOOD), SETTINGS).verdict == "supported"
    assert NonInferiorToAll().decide(evidence(a=GOOD, b=VAGUE), SETTINGS).verdict == "inconclusive"


@pytest.mark.parametrize("rule", [NonInferiorInMost(0.8), BetterUsually(0.5), NonInferiorToAll()])
def test_too_few_seeds_decide_nothing(rule):
    assert rule.decide(Evidence({"a": (0.1, 0.2), "b": (0.1, 0.3)}, num_seeds=2), SETTINGS).verdict == "invalid"


def test_sometimes_takes_one_cell_that_is_significant_among_all():
    # Fisher's exact test of 0 of 10 against 10 of 10: 1 / C(20, 10) = 5.4e-6; of 8 against 10: 0.24
    failing = {"deep": [0.0] * 10 + [1.0] * 10, "shallow": [1.0] * 20}
    found = SometimesFewer().decide(Evidence(failing, num_seeds=10), SETTINGS)
    assert (found.verdict, found.where, found.estimate) == ("supported", "deep", -1.0)
    assert found.p_value == pytest.approx(2 / 184_756)
    some = {"deep": [0.0] * 2 + [1.0] * 18}
    assert SometimesFewer().decide(Evidence(some, num_seeds=10), SETTINGS).verdict == "inconclusive"
    none = {"deep": [1.0] * 20, "shallow": [1.0] * 20}
    assert SometimesFewer().decide(Evidence(none, num_seeds=10), SETTINGS).verdict == "refuted"


CLAIMED = {claim.key: claim for claim in CLAIMS}


@pytest.mark.parametrize("key", ["ACT-2", "ACT-5/usually", "ACT-5/depth_8", "ACT-12/depth_8", "ACT-16/start"])
def test_a_learning_rate_at_an_end_or_a_diverged_run_is_a_fault(key):
    cell = {("relu", 8, "matching")}
    for results in (swept(lambda *_: 0.85, at_edge=cell), swept(lambda *_: 0.85, diverged=cell)):
        faults = CLAIMED[key].measure(results).faults
        assert faults
        assert all("relu, 8 hidden layers, matching" in fault for fault in faults)
    assert CLAIMED[key].measure(EQUAL).faults == ()


def test_a_network_that_diverged_has_not_trained_and_that_is_no_fault():
    cell = {("sigmoid", 8, "matching")}
    results = swept(lambda name, *_: 0.0 if name == "sigmoid" else 0.85, diverged=cell)
    assert CLAIMED["ACT-11/sigmoid"].measure(results).faults == ()


def test_the_best_on_validation_is_that_of_the_highest_mean():
    results = swept(lambda name, *_: 0.88 if name == "gelu" else 0.85)
    cell = cells_of(results)[0]
    assert best_on_validation(results, cell, STUDY.sweep.activations) == "gelu"


def test_regret_is_what_the_best_on_validation_gains():
    results = swept(lambda name, *_: 0.88 if name == "gelu" else 0.85, wobble=0)
    found = regrets(results).mean()
    assert found["gelu"] == pytest.approx(0)
    assert found["relu"] == pytest.approx(3)  # points


def test_steps_are_those_of_the_first_look_at_the_target_or_of_the_whole_training():
    cell = cells_of(RELU_FAST)[0]
    assert steps_to_target(RELU_FAST, "relu", cell)[0] == 100
    never = swept(lambda *_: 0.85, step_of=lambda name: 10**9)
    assert set(steps_to_target(never, "relu", cell)) == {LAST}


def test_the_fair_comparison_takes_the_better_initialisation():
    results = swept(lambda _, __, init: 0.88 if init == "pytorch" else 0.85)
    table = fair(results)
    shared = set(STUDY.sweep.protocol.cells["pytorch"])
    assert set(table.loc[table["depth"].isin(shared), "init"]) == {"pytorch"}

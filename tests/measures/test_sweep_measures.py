"""The guards of measures of the sweep, and what a page is told, by results made up."""

import pytest

from dlstudy.judging.statements import load_statements
from dlstudy.measures.find import measured
from dlstudy.measures.hasty import fair
from dlstudy.measures.sweep import best_on_validation, cells_of, regrets, steps_to_target
from tests.measures.cases_sweep import EQUAL, LAST, RELU_FAST, STUDY, swept
from tests.measures.support import ROOT

BY_KEY = {each.key: each for statement in load_statements(ROOT / "statements") for each in statement.readings}


@pytest.mark.parametrize("key", ["ACT-2", "ACT-5/usually", "ACT-5/depth_8", "ACT-12/depth_8", "ACT-16/start"])
def test_a_learning_rate_at_an_end_or_a_diverged_run_is_a_fault(key):
    cell = {("relu", 8, "matching")}
    for results in (swept(lambda *_: 0.85, at_edge=cell), swept(lambda *_: 0.85, diverged=cell)):
        faults = measured(BY_KEY[key], results).faults
        assert faults
        assert all("relu, 8 hidden layers, matching" in fault for fault in faults)
    assert measured(BY_KEY[key], EQUAL).faults == ()


def test_a_network_that_diverged_has_not_trained_and_that_is_no_fault():
    cell = {("sigmoid", 8, "matching")}
    results = swept(lambda name, *_: 0.0 if name == "sigmoid" else 0.85, diverged=cell)
    assert measured(BY_KEY["ACT-11/sigmoid"], results).faults == ()


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


def test_the_policies_of_act_16_are_one_number_that_is_tested_once():
    start, others = BY_KEY["ACT-16/start"], BY_KEY["ACT-16/others"]
    (first,), (second,) = (measured(each, EQUAL).samples.values() for each in (start, others))
    assert list(first.values) == [-value for value in second.values]
    assert (start.en.confirmatory, others.en.confirmatory) == (True, False)

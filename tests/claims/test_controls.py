import pandas as pd
import pytest

from dlstudy.claims.controls import controls
from tests.claims.support import Tables

NUM_SEEDS = 10


def verdicts(again=0.87, handicapped=0.86):
    """Of both controls, where the perceptron has an accuracy of 0.87; each wobbles by up to 0.06 points."""
    means = {"cross_entropy": 0.87, "again": again, "handicapped": handicapped}
    rows = [
        {"variant": variant, "seed": seed, "test_accuracy": mean + 0.0001 * ((seed * (3 + number)) % 7)}
        for number, (variant, mean) in enumerate(means.items())
        for seed in range(NUM_SEEDS)
    ]
    found = Tables(experiments={("losses", "controls"): pd.DataFrame(rows)})
    return {
        control.name: control.rule.decide(control.evidence, found.study.judge).verdict for control in controls(found)
    }


def test_both_controls_are_supported_where_all_is_well():
    assert verdicts() == {"again": "supported", "handicapped": "supported"}


@pytest.mark.parametrize("again", [0.86, 0.88])
def test_a_repeat_that_differs_by_more_than_the_margin_fails(again):
    assert verdicts(again=again)["again"] == "refuted"


def test_a_handicap_that_is_not_seen_fails():
    assert verdicts(handicapped=0.87)["handicapped"] == "refuted"


def test_a_missing_seed_is_an_error():
    rows = [("cross_entropy", 0), ("cross_entropy", 1), ("again", 0), ("handicapped", 0)]
    table = pd.DataFrame([{"variant": variant, "seed": seed, "test_accuracy": 0.8} for variant, seed in rows])
    with pytest.raises(ValueError, match="expected the same seeds"):
        controls(Tables(experiments={("losses", "controls"): table}))


def test_the_expectation_tells_the_size_of_the_handicap():
    table = pd.DataFrame(
        [{"variant": name, "seed": 0, "test_accuracy": 0.8} for name in ("cross_entropy", "again", "handicapped")]
    )
    found = Tables(experiments={("losses", "controls"): table})
    assert f"{100 * found.study.experiments.losses.handicap:g} % of all test images" in controls(found)[1].expected

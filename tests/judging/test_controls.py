import pandas as pd
import pytest

from dlstudy.judging.judgement import complaint, controls
from dlstudy.judging.rules import decide
from tests.measures.support import Tables

NUM_SEEDS = 10


def table(again=0.87, handicapped=0.86):
    """Accuracies of the MLP, 0.87, and of its variants; each wobbles by up to 0.06 points."""
    means = {"cross_entropy": 0.87, "again": again, "handicapped": handicapped}
    rows = [
        {"variant": variant, "budget": 8.0, "seed": seed, "test_accuracy": mean + 0.0001 * ((seed * (3 + number)) % 7)}
        for number, (variant, mean) in enumerate(means.items())
        for seed in range(NUM_SEEDS)
    ]
    return pd.DataFrame(rows)


def verdicts(**accuracies):
    found = results(table(**accuracies))
    settings = found.study.judge
    return {each.name: decide(each.evidence, each.rule, settings).verdict for each in controls(found)}


def results(table, *diverged):
    runs = [dict(zip(("network", "loss", "budget", "seed"), run, strict=True)) for run in diverged]
    return Tables(experiments={("losses", "controls"): table}, facts_of={"losses": {"diverged": runs}})


def test_both_controls_are_supported_where_all_is_well():
    assert verdicts() == {"again": "supported", "handicapped": "supported"}


def test_a_control_is_of_the_longest_budget():
    shorter = table(again=0.5).assign(budget=2.0)
    found = results(pd.concat([shorter, table()], ignore_index=True))
    assert not any(complaint(control, found.study.judge) for control in controls(found))


@pytest.mark.parametrize("again", [0.86, 0.88])
def test_a_repeat_that_differs_by_more_than_the_margin_fails(again):
    assert verdicts(again=again)["again"] == "refuted"


def test_a_handicap_that_is_not_seen_fails():
    assert verdicts(handicapped=0.87)["handicapped"] == "inconclusive"
    assert verdicts(handicapped=0.88)["handicapped"] == "refuted"


def test_a_wide_margin_does_not_hide_the_planted_difference():
    """What is planted is there, whether or not a difference of that size matters."""
    found = results(table())
    wide = found.study.judge.model_copy(update={"margin": 2.0})
    assert not any(complaint(control, wide) for control in controls(found))


def test_a_control_that_fails_says_its_name_what_it_resolves_and_which_margin_the_study_supports():
    found = results(table())
    again, _ = controls(found)
    narrow = found.study.judge.model_copy(update={"margin": 0.001})
    text = complaint(again, narrow)
    assert 'the control "again" fails' in text
    assert "not the margin of 0.001" in text
    resolved = float(text.rsplit(" ", 1)[1])
    assert not complaint(again, found.study.judge.model_copy(update={"margin": 1.05 * resolved}))


def test_a_missing_seed_is_an_error():
    rows = [("cross_entropy", 0), ("cross_entropy", 1), ("again", 0), ("handicapped", 0)]
    table = pd.DataFrame(
        [{"variant": variant, "budget": 8.0, "seed": seed, "test_accuracy": 0.8} for variant, seed in rows]
    )
    with pytest.raises(ValueError, match="expected the same seeds"):
        controls(results(table))


@pytest.mark.parametrize(
    ("run", "lost"),
    [
        (("mlp", "again", 8.0, 3), {"again", "handicapped"}),
        (("mlp", "cross_entropy", 8.0, 3), {"cross_entropy"}),
    ],
)
def test_a_run_that_diverged_fails_the_control_and_its_seed_is_left_out(run, lost):
    """As `experiments.losses` writes it: what diverged has no row, and neither has what is made of it."""
    names, accuracies = ("cross_entropy", "again", "handicapped"), (0.87, 0.87, 0.86)
    table = pd.DataFrame(
        [
            {"variant": name, "budget": 8.0, "seed": seed, "test_accuracy": accuracy}
            for name, accuracy in zip(names, accuracies, strict=True)
            for seed in range(NUM_SEEDS)
            if seed != 3 or name not in lost
        ]
    )
    found = results(table, run, ("linear", "squared_error", 8.0, 5))
    for control in controls(found):
        assert control.evidence.num_seeds == NUM_SEEDS - 1
        assert control.evidence.faults == (f"mlp, {run[1]}, seed 3: diverged",)
        assert complaint(control, found.study.judge)


def test_another_variant_that_diverged_concerns_no_control():
    table = pd.DataFrame(
        [
            {"variant": name, "budget": 8.0, "seed": seed, "test_accuracy": 0.87 - 0.01 * (name == "handicapped")}
            for name in ("cross_entropy", "again", "handicapped")
            for seed in range(NUM_SEEDS)
        ]
    )
    found = results(table, ("mlp", "squared_error", 8.0, 3), ("mlp", "again", 2.0, 4))
    assert not any(complaint(control, found.study.judge) for control in controls(found))


def test_the_expectation_tells_the_size_of_the_handicap():
    table = pd.DataFrame(
        [
            {"variant": name, "budget": 8.0, "seed": 0, "test_accuracy": 0.8}
            for name in ("cross_entropy", "again", "handicapped")
        ]
    )
    found = results(table)
    assert f"{100 * found.study.experiments.losses.handicap:g} % of all test images" in controls(found)[1].expected

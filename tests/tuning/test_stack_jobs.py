"""What experiments that tune have in common."""

from types import SimpleNamespace
from typing import NamedTuple

import pytest

from dlstudy.tuning.jobs import Networks, chosen_table, map_longest_first, tuning_table
from dlstudy.tuning.search import Choice, Score, Trial
from dlstudy.tuning.stacks import Member, Recipe


class Cell(NamedTuple):
    depth: int
    init: str


def recipe_of(cell):
    return Recipe(hidden=(4,) * cell.depth, activations=("relu",) * cell.depth, batch_size=8, num_epochs=1)


def networks(*, mixed):
    return Networks(recipe_of=recipe_of, init_of=lambda cell: cell.init, mixed=mixed)


HE, XAVIER, DEEP = Cell(1, "he"), Cell(1, "xavier"), Cell(2, "he")
SCORES = {
    Trial(cell, lr, seed): Score(accuracy)
    for cell, accuracies in ((DEEP, (0.25, 0.5)), (HE, (0.75, 0.5)))
    for lr, accuracy in zip((0.1, 0.3), accuracies, strict=True)
    for seed in (8, 7)
}


def test_the_longest_starts_first_and_results_keep_the_order_of_the_jobs(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    started = []

    def run(factor, job):
        started.append(job.cost)
        return factor * job.cost

    jobs = [SimpleNamespace(cost=cost) for cost in (2, 1, 4, 3)]
    assert map_longest_first(run, jobs, label="test", shared=(10,)) == [20, 10, 40, 30]
    assert started == [4, 3, 2, 1]


@pytest.mark.parametrize(("mixed", "stacks"), [(True, [{HE, XAVIER}, {DEEP}]), (False, [{HE}, {XAVIER}, {DEEP}])])
def test_trials_of_one_seed_that_are_trained_alike_are_one_stack(mixed, stacks):
    trials = [Trial(cell, lr, seed) for cell in (HE, XAVIER, DEEP) for lr in (0.1, 0.3) for seed in (7, 8)]
    jobs = networks(mixed=mixed).tuning_jobs(trials)
    assert [{trial.cell for trial in job.trials} for job in jobs] == [cells for cells in stacks for _ in range(2)]
    assert all(len({trial.seed for trial in job.trials}) == 1 for job in jobs)
    assert sorted(trial for job in jobs for trial in job.trials) == sorted(trials)


def test_a_stack_has_the_networks_of_its_recipe_at_the_chosen_rate_for_so_many_seeds_in_their_order():
    jobs = networks(mixed=True).confirming_jobs({DEEP: Choice(0.1, at_edge=False)}, [3, 1, 2, 5, 4], 2)
    assert [[trial.seed for trial in job.trials] for job in jobs] == [[3, 1], [2, 5], [4]]
    assert jobs[0].members == (Member(3, "he", 0.1), Member(1, "he", 0.1))
    assert {job.recipe for job in jobs} == {recipe_of(DEEP)}


def test_all_seeds_are_one_stack_where_it_has_room():
    jobs = networks(mixed=True).confirming_jobs({HE: Choice(0.1, at_edge=False)}, [3, 1], 5)
    assert [len(job.trials) for job in jobs] == [2]


def test_the_tables_are_sorted_by_cell_and_begin_with_the_names():
    tuning = tuning_table(SCORES, score_name="score", activation="relu")
    assert list(tuning) == ["activation", "depth", "init", "lr", "seed", "score", "diverged"]
    assert tuning["seed"].tolist() == [7, 8] * 4
    assert tuning["score"].tolist() == [0.75, 0.75, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5]


def test_the_table_of_chosen_rates_tells_no_more_than_was_asked_for():
    choices = {DEEP: Choice(0.3, at_edge=True), HE: Choice(0.1, at_edge=True)}
    assert list(chosen_table(choices, SCORES)) == ["depth", "init", "lr", "at_edge"]
    found = chosen_table(choices, SCORES, "num_rates", "validation_accuracy", activation="relu")
    assert list(found) == ["activation", "depth", "init", "lr", "at_edge", "num_rates", "validation_accuracy"]
    assert found.iloc[0].tolist() == ["relu", 1, "he", 0.1, True, 2, 0.75]
    assert found["validation_accuracy"].tolist() == [0.75, 0.5]

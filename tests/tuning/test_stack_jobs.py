"""What experiments that tune have in common."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from dlstudy.core.base.randomness import generator
from dlstudy.tuning.jobs import Job, Networks, chosen_table, map_longest_first, tuning_table, validation_job
from dlstudy.tuning.rungs import Climb, Configuration, RungScore, RungTrial, climb_rungs, diverged_score
from dlstudy.tuning.stacks import Images, Member, Recipe, Stack


class Cell(NamedTuple):
    name: str
    budget: float


SEEDS = (8, 7)
CELL = Cell("a", 1.0)


def peak_at(step):
    """A climb's scores: the closer to the best step, the better; the longer, the better."""

    def score(trial):
        return RungScore(0.9 - 0.1 * abs(trial.configuration.step - step) / trial.place.budget, 1.0)

    return lambda trials: [score(trial) for trial in trials]


def climbed():
    rungs = [[Climb(Cell(name, budget), SEEDS, 0.2) for name in ("b", "a")] for budget in (1.0, 2.0)]
    first = [Configuration("he", step) for step in (-4, -2, 0)]
    return climb_rungs(rungs, lambda cell: first, peak_at(-2))


def test_the_longest_starts_first_and_results_keep_the_order_of_the_jobs(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    started = []

    def run(factor, job):
        started.append(job.cost)
        return factor * job.cost

    jobs = [SimpleNamespace(cost=cost) for cost in (2, 1, 4, 3)]
    assert map_longest_first(run, jobs, label="test", shared=(10,)) == [20, 10, 40, 30]
    assert started == [4, 3, 2, 1]


def test_a_longer_training_starts_from_the_best_of_the_shorter_and_its_neighbours():
    tried = {climb.place: {each.step for each in climb.tried} for climb in climbed()}
    assert tried[Cell("a", 1.0)] == {-4, -3, -2, -1, 0}
    assert tried[Cell("a", 2.0)] == tried[Cell("b", 2.0)] == {-3, -2, -1}


def test_the_tables_are_sorted_by_place_and_begin_with_the_names():
    tuning = tuning_table(climbed(), activation="relu")
    assert list(tuning) == [
        *("activation", "name", "budget", "init", "lr", "seed"),
        *("validation_accuracy", "validation_loss", "diverged"),
    ]
    assert tuning["name"].is_monotonic_increasing
    assert tuning["seed"].tolist() == [7, 8] * (5 + 3) * 2
    chosen = chosen_table(climbed())
    assert chosen[["name", "budget", "lr", "num_configurations"]].to_numpy().tolist() == [
        [name, budget, 0.316, num] for name in "ab" for budget, num in ((1.0, 5), (2.0, 3))
    ]


# --- Stacks of images ---


@pytest.fixture
def pixels(images):
    return Images.of(images)


def recipe_of(cell):
    return Recipe(hidden=(4,), activations=("relu",), batch_size=50, num_epochs=cell.budget)


def test_every_place_meets_every_seed_at_its_best_rate_in_stacks_of_the_given_size(pixels, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    memo = SimpleNamespace(path=lambda purpose, job: SimpleNamespace(is_file=lambda: False), folder=SimpleNamespace())
    memo.folder.is_dir = lambda: False
    stacks = []

    def run_job(images, job):
        stacks.append(job.members)
        return [{"seed": member.seed} for member in job.members]

    networks = Networks(
        *(pixels, memo, "test", recipe_of), lambda trial: Member(trial.seed, "he", trial.configuration.lr)
    )
    found = networks.confirmed(climbed(), [3, 1, 2], 2, run_job, "seeds")
    assert [(trial.place, trial.seed) for trial, row in found] == [
        (Cell(name, budget), seed) for budget in (1.0, 2.0) for name in "ba" for seed in (3, 1, 2)
    ]
    assert all(row["seed"] == trial.seed for trial, row in found)
    assert sorted(map(len, stacks)) == [1] * 4 + [2] * 4
    assert {member.lr for stack in stacks for member in stack} == {0.316}


def test_a_trial_that_diverges_has_accuracy_0_and_leaves_the_others_alone(pixels):
    trials = [RungTrial(CELL, Configuration("he", step), 100) for step in (120, -8)]
    members = [Member(100, "he", trial.configuration.lr) for trial in trials]
    bad, good = validation_job(pixels, Job(recipe_of(CELL), tuple(trials), tuple(members)))
    assert bad == diverged_score()
    assert not good.diverged


@pytest.mark.parametrize("output", ["identity", "tanh"])
def test_squared_error_trains_as_pytorchs_loss_and_optimiser_do(pixels, output):
    recipe = Recipe((5,), ("relu",), batch_size=50, num_epochs=2, output=output, loss="squared_error")
    stack = Job(recipe, (), (Member(3, "he", 0.01), Member(4, "he", 0.02))).trained(pixels)
    start = Stack.new(recipe, (Member(4, "he", 0.02),), pixels.pool.features.shape[1], pixels.num_classes)
    weights = [parameter[0].detach().clone().requires_grad_() for parameter in start.parameters]
    optimiser, order, rows = torch.optim.SGD(weights, lr=0.02), generator(4, "minibatches"), pixels.division(4)[0]
    targets = np.eye(pixels.num_classes, dtype=np.float32)[pixels.pool.targets]
    targets = torch.from_numpy(targets if output == "identity" else 2 * targets - 1)
    batches = [part for _ in range(2) for part in rows[torch.randperm(len(rows), generator=order)].split(50)]
    for step, part in enumerate(batches):
        optimiser.param_groups[0]["lr"] = 0.02 * (1 - step / len(batches))
        hidden = nn.functional.linear(pixels.pool.features[part], weights[0], weights[1]).relu()
        outputs = nn.functional.linear(hidden, weights[2], weights[3])
        outputs = outputs.tanh() if output == "tanh" else outputs
        optimiser.zero_grad()
        (nn.functional.mse_loss(outputs, targets[part]) * pixels.num_classes / 2).backward()
        optimiser.step()
    for found, expected in zip(stack.parameters, weights, strict=True):
        torch.testing.assert_close(found[1], expected, rtol=1e-4, atol=1e-5)  # float32 sums in another order

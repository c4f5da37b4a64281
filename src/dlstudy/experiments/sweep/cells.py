"""One activation over all depths and initialisers: learning rates tuned for each, then trained with every seed.

A cell is a depth and an initialiser. Its learning rate is chosen on the validation splits of the tuning seeds, from the
same grid for every cell, which is extended while the best is at an end, and refined around it; a rate at the border of
stability is not taken. Then every seed of the study trains the cell once, and the test split is looked at once, after
the last step.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.experiments.sweep.params import SweepProtocol
from dlstudy.training.models import matching_init
from dlstudy.tuning.jobs import (
    Job,
    Networks,
    Row,
    chosen_table,
    map_longest_first,
    scores_of,
    sorted_table,
    tuning_table,
)
from dlstudy.tuning.search import choices_of, stable_accuracies, tune
from dlstudy.tuning.stacks import Images, Recipe, Stack, accuracies_on_test, accuracies_on_validation


class Cell(NamedTuple):
    depth: int
    init: str


def sweep(dataset: Dataset, activation: str, protocol: SweepProtocol, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """The tables tuning, chosen, per_seed and looks of one activation."""
    images, networks = Images.of(dataset), networks_of(activation, protocol)
    cells = [Cell(depth, init) for init, depths in protocol.cells.items() for depth in depths]
    score_all = partial(networks.score_trials, images, activation)
    scores = tune(cells, protocol.learning_rates, protocol.tuning_seeds, score_all, guessing=images.guessing)
    choices = choices_of(cells, scores, stable_accuracies, guessing=images.guessing)
    jobs = networks.confirming_jobs(choices, seeds, protocol.stack_size)
    shared = images, activation, protocol
    found = map_longest_first(confirm, jobs, label=f"{activation}: every seed", shared=shared)
    return {
        "tuning": tuning_table(scores, activation=activation),
        "chosen": chosen_table(choices, scores, "num_rates", "validation_accuracy", activation=activation),
        "per_seed": sorted_table([row for rows, _ in found for row in rows], ["depth", "init", "seed"]),
        "looks": sorted_table([row for _, rows in found for row in rows], ["depth", "init", "seed", "step"]),
    }


def networks_of(activation: str, protocol: SweepProtocol) -> Networks[Cell]:
    return Networks(
        recipe_of=lambda cell: recipe(activation, cell.depth, protocol),
        init_of=lambda cell: matching_init(activation) if cell.init == "matching" else cell.init,
        mixed=False,
    )


def recipe(activation: str, depth: int, protocol: SweepProtocol) -> Recipe:
    return Recipe(
        hidden=(protocol.width,) * depth,
        activations=(activation,) * depth,
        batch_size=protocol.batch_size,
        num_epochs=protocol.num_epochs,
    )


def confirm(images: Images, activation: str, protocol: SweepProtocol, job: Job[Cell]) -> tuple[list[Row], list[Row]]:
    """A row a seed, and a row a seed and look. A network that diverged has accuracies of 0 and says so."""
    stack, looks = job.trained(images, protocol.num_looks, protocol.look_images)
    names = [{"activation": activation, **trial.cell._asdict(), "seed": trial.seed} for trial in job.trials]
    seen = [
        name | {"step": look.step, "validation_accuracy": accuracy}
        for look in looks
        for name, accuracy in zip(names, look.accuracies, strict=True)
    ]
    return [name | row for name, row in zip(names, final_rows(stack, images), strict=True)], seen


def final_rows(stack: Stack, images: Images) -> list[Row]:
    validation = scores_of(stack, accuracies_on_validation(stack, images))
    test = scores_of(stack, accuracies_on_test(stack, images))
    return [
        {"lr": member.lr, "diverged": of_validation.diverged}
        | {"validation_accuracy": of_validation.accuracy, "test_accuracy": of_test.accuracy}
        for member, of_validation, of_test in zip(stack.members, validation, test, strict=True)
    ]

"""One activation over all depths and initialisers: learning rates tuned for each, then trained with every seed.

A cell is a depth and an initialiser. Its learning rate is chosen on the validation splits of the tuning seeds, from the
same grid for every cell, which is extended while the best is at an end, and refined around it; a rate at the border of
stability is not taken. Then every seed of the study trains the cell once, and the test split is looked at once, after
the last step.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.core.params import ParamsError
from dlstudy.experiments.sweep.params import SweepProtocol
from dlstudy.training.models import matching_init
from dlstudy.tuning.jobs import groups_of, map_longest_first, scores_of, sorted_table, tuning_table
from dlstudy.tuning.search import Choice, Score, Trial, choose_stable, mean_accuracies, tune
from dlstudy.tuning.stacks import (
    Images,
    Member,
    Recipe,
    Stack,
    accuracies_on_test,
    accuracies_on_validation,
    train_stack,
)

Row = dict[str, Any]


class Cell(NamedTuple):
    depth: int
    init: str


class Job(NamedTuple):
    """A stack to be trained: the networks of one cell, with several learning rates or several seeds."""

    cell: Cell
    members: tuple[tuple[int, float], ...]  # seed and learning rate of each

    @property
    def cost(self) -> int:
        """How long it takes, roughly, beside others."""
        return self.cell.depth * len(self.members)


def sweep(dataset: Dataset, activation: str, protocol: SweepProtocol, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """The tables tuning, chosen, per_seed and looks of one activation."""
    check_seeds(protocol, seeds)
    images = Images.of(dataset)
    cells = [Cell(depth, init) for init, depths in protocol.cells.items() for depth in depths]
    scores = tune_cells(images, activation, protocol, cells)
    choices = {cell: choose_stable(scores, cell, images.guessing) for cell in cells}
    jobs = confirming_jobs(choices, seeds, protocol.stack_size)
    shared = images, activation, protocol
    found = map_longest_first(confirm, jobs, cost=attrgetter("cost"), label=f"{activation}: every seed", shared=shared)
    return {
        "tuning": tuning_table(scores, activation=activation),
        "chosen": chosen_table(activation, choices, scores),
        "per_seed": sorted_table([row for rows, _ in found for row in rows], ["depth", "init", "seed"]),
        "looks": sorted_table([row for _, rows in found for row in rows], ["depth", "init", "seed", "step"]),
    }


def check_seeds(protocol: SweepProtocol, seeds: Sequence[int]) -> None:
    """ParamsError for a seed that would choose a learning rate and then be told of as if it had not."""
    if both := sorted(set(protocol.tuning_seeds) & set(seeds)):
        raise ParamsError(f"sweep.protocol.tuning_seeds: expected none of the study's own seeds, found {both}")


def recipe(activation: str, depth: int, protocol: SweepProtocol) -> Recipe:
    return Recipe(
        hidden=(protocol.width,) * depth,
        activations=(activation,) * depth,
        batch_size=protocol.batch_size,
        num_epochs=protocol.num_epochs,
    )


def members_of(job: Job, activation: str) -> list[Member]:
    init = matching_init(activation) if job.cell.init == "matching" else job.cell.init
    return [Member(seed, init, lr) for seed, lr in job.members]


# --- Tuning ---


def tune_cells(
    images: Images, activation: str, protocol: SweepProtocol, cells: Sequence[Cell]
) -> dict[Trial[Cell], Score]:
    """Every trial of every cell, on validation splits; the test split is not looked at."""

    def score_all(trials: Sequence[Trial[Cell]]) -> list[Score]:
        jobs = tuning_jobs(trials)
        label, shared = f"{activation}: learning rates", (images, activation, protocol)
        found = map_longest_first(score_rates, jobs, cost=attrgetter("cost"), label=label, shared=shared)
        by_trial = {
            Trial(job.cell, lr, seed): score
            for job, scores in zip(jobs, found, strict=True)
            for (seed, lr), score in zip(job.members, scores, strict=True)
        }
        return [by_trial[trial] for trial in trials]

    return tune(cells, protocol.learning_rates, protocol.tuning_seeds, score_all, guessing=images.guessing)


def tuning_jobs(trials: Sequence[Trial[Cell]]) -> list[Job]:
    """The learning rates that a cell tries with one seed, as one stack: they see the same minibatches."""
    rates: dict[tuple[Cell, int], list[tuple[int, float]]] = {}
    for trial in trials:
        rates.setdefault((trial.cell, trial.seed), []).append((trial.seed, trial.lr))
    return [Job(cell, tuple(members)) for (cell, _), members in rates.items()]


def score_rates(images: Images, activation: str, protocol: SweepProtocol, job: Job) -> list[Score]:
    """Validation accuracy of each learning rate after the last step."""
    stack, _ = train_stack(images, recipe(activation, job.cell.depth, protocol), members_of(job, activation))
    return scores_of(stack, images)


# --- The seeds of the study ---


def confirming_jobs(choices: Mapping[Cell, Choice], seeds: Sequence[int], stack_size: int) -> list[Job]:
    """Every cell with every seed, at its chosen learning rate; so many seeds a stack."""
    return [
        Job(cell, tuple((seed, choice.lr) for seed in group))
        for cell, choice in choices.items()
        for group in groups_of(seeds, stack_size)
    ]


def confirm(images: Images, activation: str, protocol: SweepProtocol, job: Job) -> tuple[list[Row], list[Row]]:
    """A row a seed, and a row a seed and look. A network that diverged has accuracies of 0 and says so."""
    stack, looks = train_stack(
        images,
        recipe(activation, job.cell.depth, protocol),
        members_of(job, activation),
        num_looks=protocol.num_looks,
        look_images=protocol.look_images,
    )
    names = [{"activation": activation, **job.cell._asdict(), "seed": seed} for seed, _ in job.members]
    seen = [
        name | {"step": look.step, "validation_accuracy": accuracy}
        for look in looks
        for name, accuracy in zip(names, look.accuracies, strict=True)
    ]
    return [name | row for name, row in zip(names, final_rows(stack, images), strict=True)], seen


def final_rows(stack: Stack, images: Images) -> list[Row]:
    scores = zip(accuracies_on_validation(stack, images), accuracies_on_test(stack, images), strict=True)
    return [
        {
            "lr": member.lr,
            "diverged": not finite,
            "validation_accuracy": validation if finite else 0.0,
            "test_accuracy": test if finite else 0.0,
        }
        for member, finite, (validation, test) in zip(stack.members, stack.finite(), scores, strict=True)
    ]


# --- Tables ---


def chosen_table(activation: str, choices: Mapping[Cell, Choice], scores: Mapping[Trial[Cell], Score]) -> pd.DataFrame:
    """One row a cell: its learning rate, whether that lies at an end of those tried, and how many were."""
    rows = [
        {
            "activation": activation,
            **cell._asdict(),
            "lr": choice.lr,
            "at_edge": choice.at_edge,
            "num_rates": len(mean_accuracies(scores, cell)),
            "validation_accuracy": mean_accuracies(scores, cell)[choice.lr],
        }
        for cell, choice in choices.items()
    ]
    return sorted_table(rows, ["depth", "init"])

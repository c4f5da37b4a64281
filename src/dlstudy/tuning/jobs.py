"""What experiments that train stacks have in common: the longest job first, scores of trials, their table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from dlstudy.core.execution import map_runs
from dlstudy.tuning.search import Score, Trial
from dlstudy.tuning.stacks import Images, Stack, accuracies_on_validation

Row = dict[str, Any]
Job = TypeVar("Job")
Result = TypeVar("Result")


def map_longest_first(
    function: Callable[..., Result],
    jobs: Sequence[Job],
    *,
    cost: Callable[[Job], float],
    label: str,
    shared: tuple[Any, ...] = (),
) -> list[Result]:
    """The results of all jobs, in their order; those that cost most start first."""
    order = sorted(range(len(jobs)), key=lambda place: -cost(jobs[place]))
    found = map_runs(function, [jobs[place] for place in order], label=label, shared=shared)
    by_place = dict(zip(order, found, strict=True))
    return [by_place[place] for place in range(len(jobs))]


def groups_of(seeds: Sequence[int], size: int) -> list[Sequence[int]]:
    """The seeds in their order, so many a stack; the last may have fewer."""
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def scores_of(stack: Stack, images: Images) -> list[Score]:
    """Validation accuracy of each network of a trained stack."""
    return [
        Score(accuracy) if finite else Score(0.0, diverged=True)
        for accuracy, finite in zip(accuracies_on_validation(stack, images), stack.finite(), strict=True)
    ]


def sorted_table(rows: Sequence[Row], keys: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values(keys, ignore_index=True)


def tuning_table(scores: Mapping[Trial[Any], Score], **names: str) -> pd.DataFrame:
    """One row a trial, by cell, learning rate and seed; the names stand first in every row."""
    rows = [
        {**names, **trial.cell._asdict(), "lr": trial.lr, "seed": trial.seed}
        | {"validation_accuracy": score.accuracy, "diverged": score.diverged}
        for trial, score in scores.items()
    ]
    cell = next(iter(scores)).cell
    return sorted_table(rows, [*cell._fields, "lr", "seed"])

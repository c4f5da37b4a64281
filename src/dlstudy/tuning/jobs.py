"""What experiments that tune have in common: stacks to be trained, the longest first, scores, choices, their tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import pandas as pd

from dlstudy.core.execution import map_runs
from dlstudy.tuning.search import Cell, Choice, Score, Trial, mean_accuracies
from dlstudy.tuning.stacks import Images, Member, Recipe, Stack, accuracies_on_validation, train_stack

Row = dict[str, Any]
Result = TypeVar("Result")


# --- Stacks ---


class Job(NamedTuple, Generic[Cell]):
    """Networks of one recipe that are trained as one stack."""

    recipe: Recipe
    trials: tuple[Any, ...]  # what each network is trained for
    members: tuple[Member, ...]  # of the stack, one for each trial

    @property
    def cost(self) -> float:
        """How long it takes, roughly, beside others."""
        slow = 2 if self.recipe.batch_norm or self.recipe.optimiser == "adam" else 1
        return slow * self.recipe.num_epochs * len(self.trials) * (2 + len(self.recipe.hidden))

    def trained(self, images: Images) -> Stack:
        return train_stack(images, self.recipe, self.members)


@dataclass(frozen=True)
class Networks(Generic[Cell]):
    """How the cells of an experiment are trained."""

    recipe_of: Callable[[Cell], Recipe]
    init_of: Callable[[Cell], str]
    mixed: bool  # cells of the same recipe share the stacks in which they are tuned; else each cell has its own

    def job(self, trials: Sequence[Trial[Cell]]) -> Job[Cell]:
        members = tuple(Member(trial.seed, self.init_of(trial.cell), trial.lr) for trial in trials)
        return Job(self.recipe_of(trials[0].cell), tuple(trials), members)

    def tuning_jobs(self, trials: Sequence[Trial[Cell]]) -> list[Job[Cell]]:
        """The trials of one seed that are trained alike as one stack: they see the same minibatches."""
        stacks: dict[tuple[Any, int], list[Trial[Cell]]] = {}
        for trial in trials:
            alike = self.recipe_of(trial.cell) if self.mixed else trial.cell
            stacks.setdefault((alike, trial.seed), []).append(trial)
        return [self.job(of_stack) for of_stack in stacks.values()]

    def confirming_jobs(self, choices: Mapping[Cell, Choice], seeds: Sequence[int], stack_size: int) -> list[Job[Cell]]:
        """Every cell with every seed, at its chosen learning rate; so many seeds a stack, the last may have fewer."""
        groups = [seeds[start : start + stack_size] for start in range(0, len(seeds), stack_size)]
        return [
            self.job([Trial(cell, choice.lr, seed) for seed in group])
            for cell, choice in choices.items()
            for group in groups
        ]

    def score_trials(self, images: Images, label: str, trials: Sequence[Trial[Cell]]) -> list[Score]:
        """Validation accuracy of each trial after the last step; the test split is not looked at."""
        jobs = self.tuning_jobs(trials)
        found = map_longest_first(score_job, jobs, label=f"{label}: learning rates", shared=(images,))
        by_trial = {
            trial: score
            for job, scores in zip(jobs, found, strict=True)
            for trial, score in zip(job.trials, scores, strict=True)
        }
        return [by_trial[trial] for trial in trials]


def map_longest_first(
    function: Callable[..., Result], jobs: Sequence[Job[Any]], *, label: str, shared: tuple[Any, ...]
) -> list[Result]:
    """The results of all jobs, in their order; those that cost most start first."""
    order = sorted(range(len(jobs)), key=lambda place: -jobs[place].cost)
    found = map_runs(function, [jobs[place] for place in order], label=label, shared=shared)
    by_place = dict(zip(order, found, strict=True))
    return [by_place[place] for place in range(len(jobs))]


def score_job(images: Images, job: Job[Any]) -> list[Score]:
    stack = job.trained(images)
    return scores_of(stack, accuracies_on_validation(stack, images))


def scores_of(stack: Stack, accuracies: Sequence[float]) -> list[Score]:
    """The accuracy of each network of a trained stack; 0 of one that diverged."""
    return [
        Score(accuracy) if finite else Score(0.0, diverged=True)
        for accuracy, finite in zip(accuracies, stack.finite(), strict=True)
    ]


# --- Tables ---


def sorted_table(rows: Sequence[Row], keys: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values(list(keys), ignore_index=True)


def tuning_table(
    scores: Mapping[Trial[Any], Score], *, score_name: str = "validation_accuracy", **names: str
) -> pd.DataFrame:
    """One row a trial, by cell, learning rate and seed; the names stand first in every row."""
    rows = [
        {**names, **trial.cell._asdict(), "lr": trial.lr, "seed": trial.seed}
        | {score_name: score.accuracy, "diverged": score.diverged}
        for trial, score in scores.items()
    ]
    cell = next(iter(scores)).cell
    return sorted_table(rows, [*cell._fields, "lr", "seed"])


def chosen_table(
    choices: Mapping[Any, Choice], scores: Mapping[Trial[Any], Score], *more: str, **names: str
) -> pd.DataFrame:
    """One row a cell: its learning rate, whether that lies at an end of those tried, and what more is asked for.

    That may be `num_rates`, how many were tried, and `validation_accuracy`, the mean of the chosen one.
    """
    tried = {cell: mean_accuracies(scores, cell) for cell in choices}
    rows = [
        {**names, **cell._asdict(), "lr": choice.lr, "at_edge": choice.at_edge}
        | {"num_rates": len(tried[cell]), "validation_accuracy": tried[cell][choice.lr]}
        for cell, choice in choices.items()
    ]
    keys = next(iter(choices))._fields
    return sorted_table(rows, keys)[[*names, *keys, "lr", "at_edge", *more]]

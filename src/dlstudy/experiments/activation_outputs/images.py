"""Activations of the outputs, mixed activations, none at all, and deep sigmoid networks with a rescue each.

Every cell has its learning rate tuned on its own, with seeds of its own and on validation splits only. Then each of
the study's seeds divides the images anew, the same for every cell, and the test split is scored once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.core.params import ParamsError
from dlstudy.experiments.activation_outputs.logits import collapse_rows, silence_rows
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.activation_outputs.variants import (
    CELLS,
    COLLAPSING,
    DEEP,
    MIDDLE,
    SHALLOW,
    SOFTMAX_REGRESSION,
    Cell,
    Job,
    init_of,
    mixtures,
    recipe_of,
)
from dlstudy.tuning.jobs import groups_of, map_longest_first, scores_of, sorted_table, tuning_table
from dlstudy.tuning.search import Choice, Score, Trial, choose, mean_accuracies, tune
from dlstudy.tuning.stacks import Images, Member, Stack, accuracies_on_test, accuracies_on_validation, train_stack

Row = dict[str, Any]


def compare(dataset: Dataset, params: OutputsParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table of the images: tune, train with every seed, score."""
    check_seeds(params, seeds)
    images = Images.of(dataset)
    scores = tune_cells(images, params)
    choices = {cell: choose(mean_accuracies(scores, cell), images.guessing) for cell in CELLS}
    jobs = confirming_jobs(params, choices, seeds)
    confirmed = partial(confirm, images, params)
    found = map_longest_first(confirmed, jobs, cost=attrgetter("cost"), label="activation_outputs")
    keys = ["network", "variant", "seed"]
    return {
        "tuning": tuning_table(scores),
        "chosen": chosen_table(choices, scores),
        "per_seed": sorted_table([row for each in found for row in each.rows], keys),
        "collapse": sorted_table([row for each in found for row in each.collapse], ["seed"]),
        "logits": sorted_table([row for each in found for row in each.logits], ["variant", "seed"]),
    }


def check_seeds(params: OutputsParams, seeds: Sequence[int]) -> None:
    """ParamsError for a seed that would choose a learning rate and then be told of as if it had not."""
    for name, tuning in (("tuning_seeds", params.tuning_seeds), ("price.tuning_seeds", params.price.tuning_seeds)):
        if both := sorted(set(tuning) & set(seeds)):
            raise ParamsError(
                f"experiments.activation_outputs.{name}: expected none of the study's own seeds, found {both}"
            )


def facts_of(dataset: Dataset, params: OutputsParams, seeds: Sequence[int]) -> Row:
    """What was compared, and on what."""
    return {
        **params.model_dump(exclude={"price"}),
        "num_seeds": len(seeds),
        "num_deep_tuning_seeds": min(params.num_deep_tuning_seeds, len(params.tuning_seeds)),
        "num_examples": dataset.num_examples,
        "num_classes": dataset.num_outputs,
        "mixtures": mixtures(params.middle_depth),
    }


def trained(images: Images, job: Job) -> Stack:
    members = [Member(trial.seed, init_of(trial.cell), trial.lr) for trial in job.trials]
    return train_stack(images, job.recipe, members)[0]


# --- Tuning ---


def tune_cells(images: Images, params: OutputsParams) -> dict[Trial[Cell], Score]:
    """Every trial of every cell; the test split is not looked at.

    Networks with several hidden layers take long and are in no confirmatory claim: fewer seeds, an unrefined grid.
    """
    score_all = partial(score_trials, images, params)
    few = params.tuning_seeds[: params.num_deep_tuning_seeds]
    adam = tuple(cell for cell in DEEP if cell.variant == "adam")
    others = tuple(cell for cell in (*MIDDLE, *DEEP) if cell not in adam)
    return {
        **tune(others, params.learning_rates, few, score_all, refine=False, guessing=images.guessing),
        **tune(adam, params.adam_learning_rates, few, score_all, refine=False, guessing=images.guessing),
        **tune((SOFTMAX_REGRESSION, *SHALLOW), params.learning_rates, params.tuning_seeds, score_all),
    }


def score_trials(images: Images, params: OutputsParams, trials: Sequence[Trial[Cell]]) -> list[Score]:
    jobs = tuning_jobs(params, trials)
    label = "activation_outputs: learning rates"
    found = map_longest_first(partial(score_job, images), jobs, cost=attrgetter("cost"), label=label)
    by_trial = {
        trial: score
        for job, scores in zip(jobs, found, strict=True)
        for trial, score in zip(job.trials, scores, strict=True)
    }
    return [by_trial[trial] for trial in trials]


def tuning_jobs(params: OutputsParams, trials: Sequence[Trial[Cell]]) -> list[Job]:
    """The trials of one recipe and seed as one stack: they see the same minibatches."""
    stacks: dict[tuple[Any, int], list[Trial[Cell]]] = {}
    for trial in trials:
        stacks.setdefault((recipe_of(trial.cell, params), trial.seed), []).append(trial)
    return [Job(recipe, tuple(of_stack)) for (recipe, _), of_stack in stacks.items()]


def score_job(images: Images, job: Job) -> list[Score]:
    """Validation accuracy of each network after the last step."""
    return scores_of(trained(images, job), images)


# --- The seeds of the study ---


@dataclass(frozen=True)
class Found:
    """What one stack adds to the tables of the same names, per_seed (rows) first."""

    rows: list[Row]
    collapse: list[Row]
    logits: list[Row]


def confirming_jobs(params: OutputsParams, choices: Mapping[Cell, Choice], seeds: Sequence[int]) -> list[Job]:
    """Every cell with every seed, at its chosen learning rate; so many seeds a stack."""
    return [
        Job(recipe_of(cell, params), tuple(Trial(cell, choice.lr, seed) for seed in group))
        for cell, choice in choices.items()
        for group in groups_of(seeds, params.stack_size)
    ]


def confirm(images: Images, params: OutputsParams, job: Job) -> Found:
    stack, cell = trained(images, job), job.trials[0].cell
    logits = silence_rows(stack, images) if cell in SHALLOW and cell != COLLAPSING else []
    return Found(
        rows=final_rows(stack, images, cell),
        collapse=collapse_rows(stack, images) if cell == COLLAPSING else [],
        logits=[{"variant": cell.variant, **row} for row in logits],
    )


def final_rows(stack: Stack, images: Images, cell: Cell) -> list[Row]:
    """One row a network: accuracy on test, of deep ones on validation, which is what counts them as trained.

    One that diverged has an accuracy of 0 and says so.
    """
    split, score = ("validation", accuracies_on_validation) if cell in DEEP else ("test", accuracies_on_test)
    return [
        {**cell._asdict(), "seed": member.seed, "diverged": not finite}
        | {"split": split, "accuracy": accuracy if finite else 0.0}
        for member, finite, accuracy in zip(stack.members, stack.finite(), score(stack, images), strict=True)
    ]


# --- Tables ---


def chosen_table(choices: Mapping[Cell, Choice], scores: Mapping[Trial[Cell], Score]) -> pd.DataFrame:
    """One row a cell: its learning rate, whether that lies at an end of those tried, and its mean accuracy."""
    rows = [
        {**cell._asdict(), "lr": choice.lr, "at_edge": choice.at_edge}
        | {"validation_accuracy": mean_accuracies(scores, cell)[choice.lr]}
        for cell, choice in choices.items()
    ]
    return sorted_table(rows, ["network", "variant"])
